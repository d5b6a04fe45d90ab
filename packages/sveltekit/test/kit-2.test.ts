import { kit2 } from './app.ts'
import { describeTraps } from './traps.ts'

describeTraps('SvelteKit 2', kit2())
