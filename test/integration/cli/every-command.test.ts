import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { beforeAll, describe, expect, it } from 'vitest'
import { commands } from '../../../src/cli/commands.ts'
import { createProgram } from '../../../src/cli/program.ts'
import { runMooring } from '../../helpers/run-mooring.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

/** Why a command has no `--output json`. */
const printsOtherwise: Readonly<Record<string, string>> = {
  up: 'it is a daemon, whose log is JSON lines',
  run: 'it is a daemon, whose log is JSON lines',
  server: 'it is a daemon, whose log is JSON lines',
  driver: 'it is a daemon, whose log is JSON lines',
  import: 'it writes declarations in YAML',
  completion: 'it prints a script for a shell',
}

interface Leaf {
  /** Such as `snapshot now`. */
  readonly path: string
  readonly command: Command
  readonly help: string
}

const leaves: Leaf[] = []
beforeAll(async () => {
  // The word makes all commands load.
  const program = await createProgram(['completion'], {})
  const walk = (command: Command, path: string) => {
    const parts: string[] = []
    command.configureOutput({ writeOut: (text) => void parts.push(text), getOutHelpWidth: () => 80 })
    command.outputHelp()
    // What only holds other commands does nothing by itself.
    if (command.commands.length === 0 || path === 'server')
      leaves.push({ path, command, help: parts.join('') })
    for (const each of command.commands) if (each.name() !== 'help') walk(each, `${path} ${each.name()}`)
  }
  for (const command of program.commands) if (command.name() !== 'help') walk(command, command.name())
})

/** What is wrong, by command; so that one failure shows all. */
function wrong(check: (leaf: Leaf) => string | undefined): string[] {
  return leaves.flatMap((leaf) => {
    const fault = check(leaf)
    return fault === undefined ? [] : [`${leaf.path}: ${fault}`]
  })
}

describe('every command', () => {
  it('is walked', () => {
    const walked = leaves.map(({ path }) => path)
    const known = Object.keys(commands).filter((name) => name !== 'snapshot')
    expect(walked).toEqual(expect.arrayContaining(known))
    expect(walked).toEqual(expect.arrayContaining(['snapshot now', 'server backup', 'server token create']))
  })

  it('has a help with two examples of itself', () => {
    const without = wrong(({ path, help }) => {
      const examples = help.split('\nExamples:\n')[1] ?? ''
      const own = examples.split('\n').filter((line) => line.includes(`mooring ${path}`))
      return own.length >= 2 ? undefined : `${own.length} examples`
    })
    expect(without).toEqual([])
  })

  it('has no flag without an effect: what only a running operator does', () => {
    const ofDaemons = ['--webhook', '--git-poll', '--metrics-addr', '--notify-url', '--log-level']
    const idle = wrong(({ path, command }) => {
      if (['up', 'run', 'server', 'driver'].includes(path)) return undefined
      return command.options.map(({ long }) => long ?? '').find((long) => ofDaemons.includes(long))
    })
    expect(idle).toEqual([])
    expect(leaves.find(({ path }) => path === 'run')?.help).toContain('--webhook')
  })

  it('says once with which status it ends', () => {
    expect(wrong(({ help }) => (help.match(/Exit status:/g)?.length === 1 ? undefined : 'not once'))).toEqual(
      [],
    )
  })

  it('fits a terminal of 80 characters', () => {
    const wide = wrong(({ help }) => help.split('\n').find((line) => line.length > 80))
    expect(wide).toEqual([])
  })

  it('has --output json, or another form for a reason', () => {
    const without = wrong(({ path, command }) => {
      const output = command.options.find(({ long }) => long === '--output')
      const hasJSON = output?.argChoices?.includes('json') === true && output.short === '-o'
      return hasJSON !== Object.hasOwn(printsOtherwise, path) ? undefined : `JSON: ${hasJSON}`
    })
    expect(without).toEqual([])
  })

  it('calls the same flag by the same name, with the same short one and the same kind of value', () => {
    const seen = new Map<string, Set<string>>()
    for (const { command } of leaves)
      for (const { flags, long } of command.options)
        if (long != null) seen.set(long, (seen.get(long) ?? new Set()).add(flags))
    const several = [...seen].filter(([, flags]) => flags.size > 1)
    expect(several.map(([, flags]) => [...flags])).toEqual([])
    for (const long of seen.keys()) expect(long).toMatch(/^--[a-z]+(-[a-z]+)*$/)
  })
})

describe('mooring', () => {
  it.each([
    ['an unknown command', ['statsu'], /Did you mean status\?/],
    ['an unknown flag', ['status', '--ouptut', 'json'], /Did you mean --output\?/],
    ['a value that is no choice', ['status', '-o', 'xml'], /Allowed choices are table, wide, json, yaml/],
    [
      'a missing argument',
      ['describe'],
      /missing required argument 'target': \[kind\] name.* volume, snapshot/,
    ],
    ['a wrong target', ['describe', 'volumes'], /"volumes" is a kind, and the name is missing/],
  ])('ends with 2 for %s, and says what is right', async (_what, parameters, expected) => {
    const { status, stdout, stderr } = await runMooring([...parameters])
    expect(stderr).toMatch(/^mooring: /)
    expect(stderr).toMatch(expected)
    expect([status, stdout]).toEqual([2, ''])
  })

  it('names the path where it looked for an operator', async () => {
    const folder = temporaryDirectory()
    const { status, stderr } = await runMooring(['status', '--data-dir', folder])
    expect(status).toBe(1)
    expect(stderr).toContain(`${folder}/operator/admin.sock`)
  })

  it('lets whoever reads its output stop early', async () => {
    const child = spawn(process.execPath, [resolve('src/main.ts'), 'explain'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.destroy()
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    const [status] = await once(child, 'close')
    expect([status, said]).toEqual([0, ''])
  })
})
