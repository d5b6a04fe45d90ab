import { startMemcached } from '@coatcheck/harness/memcached'
import { listContenders } from './contenders/list.ts'
import { chosen, readFlags } from './flags.ts'
import { measureAll } from './measure/rounds.ts'
import { printFigures } from './report/print.ts'
import { installRedis, startRedis } from './servers/redis.ts'
import { fullPoints, keyOf, quickPoints } from './work.ts'

const flags = readFlags(process.argv.slice(2))
const say = (line: string) => void process.stderr.write(`${line}\n`)

const all = await listContenders()
const wanted = all.filter(({ name }) => chosen(name, flags.only))
const floors = all.filter(({ name }) => wanted.some(({ floor }) => floor === name))
const contenders = [...new Set([...floors, ...wanted])]
const points = (flags.quick ? quickPoints() : fullPoints()).filter((point) =>
  chosen(keyOf(point), flags.work),
)

const memcached = await startMemcached({ trace: false, args: ['-m', '2048'] })
installRedis()
const redis = await startRedis()
if (redis === null) say('redis-server is not on this machine: its contenders are left out')
const ports = { memcached: memcached.port, redis: redis?.port ?? 0 }
const figures = await measureAll(contenders, points, flags, {
  ports,
  node: process.execPath,
  say,
  async flush() {
    await memcached.flush()
    await redis?.flush()
  },
})
process.stdout.write(printFigures(figures, contenders))
await memcached.kill()
redis?.end()
