import { copyApp, tryBuild } from './apps.ts'
const [, , src, v] = process.argv
const app = copyApp(src!, Number(v) as 15 | 16)
console.log(app.folder)
console.log((await tryBuild(app)).said.slice(-3500))
