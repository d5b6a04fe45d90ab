import { kit3 } from './app.ts'
import { describeTraps } from './traps.ts'

describeTraps('SvelteKit 3', kit3())
