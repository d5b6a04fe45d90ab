import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const here = import.meta.dirname
const core = join(here, '..')
const tsc = join(core, '../../node_modules/.bin/tsc')

interface Run {
  readonly exitCode: number
  readonly output: string
}

function compile(folder: string): Promise<Run> {
  return new Promise((resolve) => {
    execFile(tsc, ['-p', folder, '--noEmit', '--pretty', 'false'], (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), output: stdout + stderr })
    })
  })
}

/** Compiles a copy of this folder, outside the checkout, with one file changed. */
async function compileChanged(file: string, change: (text: string) => string): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'coatcheck-types-'))
  try {
    await cp(here, folder, { recursive: true })
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    await mkdir(join(folder, 'node_modules/@coatcheck'), { recursive: true })
    await symlink(core, join(folder, 'node_modules/@coatcheck/core'))
    for (const name of ['valibot', '@standard-schema']) {
      await symlink(join(core, 'node_modules', name), join(folder, 'node_modules', name))
    }
    const config = await readFile(join(here, 'tsconfig.json'), 'utf8')
    await writeFile(join(folder, 'tsconfig.json'), config.replaceAll('"../', `"${core}/`))
    const text = await readFile(join(here, file), 'utf8')
    const changed = change(text)
    expect(changed === text && file !== 'expect.ts').toBe(false)
    await writeFile(join(folder, file), changed)
    return await compile(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('the types of the public entry', () => {
  it('take what must compile, and refuse what must not', async () => {
    expect(await compile(here)).toEqual({ exitCode: 0, output: '' })
  })

  it('are checked by a compiler that takes an unchanged copy, outside the checkout', async () => {
    expect(await compileChanged('expect.ts', (text) => text)).toEqual({ exitCode: 0, output: '' })
  })

  it('are checked by a compiler that reports each line that must not compile', async () => {
    const directive = /^ *\/\/ @ts-expect-error.*$/
    for (const file of ['session.ts', 'options.ts', 'schema.ts']) {
      const lines = (await readFile(join(here, file), 'utf8')).split('\n')
      const refused = lines.flatMap((line, at) => (directive.test(line) ? [at + 2] : []))
      expect(refused.length).toBeGreaterThan(2)
      const { exitCode, output } = await compileChanged(file, (text) => {
        return text
          .split('\n')
          .map((line) => line.replace(directive, ''))
          .join('\n')
      })
      expect(exitCode).not.toBe(0)
      const reported = [...output.matchAll(/^\S+\.ts\((\d+),/gm)].map(([, line]) => Number(line))
      expect([...new Set(reported)].toSorted((left, right) => left - right)).toEqual(refused)
    }
  })

  it('are checked by a compiler that reports an expectation that nothing needs', async () => {
    const { exitCode, output } = await compileChanged('session.ts', (text) => {
      return text.replace('  session.renew({', '  // @ts-expect-error: planted\n  session.renew({')
    })
    expect(exitCode).not.toBe(0)
    expect(output).toContain("Unused '@ts-expect-error' directive")
  })
})
