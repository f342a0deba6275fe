import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bashCompletion } from '../../helpers/bash-completion.ts'
import { volumeYAML } from '../../helpers/declarations-yaml.ts'
import { runMooring } from '../../helpers/run-mooring.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

function configFile(text: string): string {
  const path = join(temporaryDirectory(), 'mooring.yaml')
  writeFileSync(path, text)
  return path
}

/** What `mooring orphans` says where it reaches no Nomad names the address that it took. */
async function addressTaken(options: { flags?: string[]; environment?: NodeJS.ProcessEnv }) {
  const folder = temporaryDirectory()
  writeFileSync(join(folder, 'data.yaml'), volumeYAML('data'))
  const { stderr } = await runMooring(
    ['orphans', '--source', folder, '--data-dir', temporaryDirectory(), ...(options.flags ?? [])],
    { environment: { NOMAD_ADDR: undefined, ...options.environment } },
  )
  return /nothing listens at (\S+)/.exec(stderr)?.[1] ?? stderr
}

describe('settings', () => {
  it('come from a flag, else the environment, else the config file', async () => {
    const config = configFile('nomad-addr: http://127.0.0.1:1\nprune: true\n')
    const environment = { NOMAD_ADDR: 'http://127.0.0.1:2' }
    const flags = ['--config', config]
    expect(await addressTaken({ flags })).toBe('http://127.0.0.1:1')
    expect(await addressTaken({ environment: { MOORING_CONFIG: config } })).toBe('http://127.0.0.1:1')
    expect(await addressTaken({ flags, environment })).toBe('http://127.0.0.1:2')
    expect(await addressTaken({ flags: [...flags, '--nomad-addr', 'http://127.0.0.1:3'], environment })).toBe(
      'http://127.0.0.1:3',
    )
  })

  it.each([
    [
      'an unknown key, with the one that was meant',
      'prun: true',
      /:1:1: "prun" is not a setting: write prune/,
    ],
    ['a value of the wrong kind', 'read-only: false\nprune: 1', /:2:1: prune is neither true nor false/],
    [
      'a value that the flag would refuse',
      'prune-delay: soon',
      /:1:1: prune-delay is not valid: write a dur/,
    ],
    ['broken YAML', 'prune: [', /:1:\d+/],
    ['a list', '- prune', /is not a config file/],
  ])('name the place of %s', async (_title, text, expected) => {
    const { status, stderr } = await runMooring(['plan', '.', '--config', configFile(text)])
    expect(status).toBe(2)
    expect(stderr).toMatch(expected)
  })

  it.each(['up', 'run', 'server', 'driver'])(
    'of mooring %s are in the environment too, each of them',
    async (name) => {
      const { stdout } = await runMooring([name, '--help'])
      const entries = stdout
        .slice(stdout.indexOf('Options:'))
        .split(/\n {2}(?=-)/)
        .slice(1)
      expect(entries.length).toBeGreaterThan(5)
      const without = entries.filter((entry) => !entry.startsWith('-h, ') && !/env:\s+[A-Z_]+\)/.test(entry))
      expect(without).toEqual([])
    },
  )

  it('that may be given more than once are a list in a config file, and lines in the environment', async () => {
    const plugins = ['one=unix:///nowhere/one.sock', 'two=unix:///nowhere/two.sock']
    const wrong = configFile(`plugin:\n  - ${plugins[0]}\n  - ${plugins[0]}\n`)
    expect((await runMooring(['server', '--config', wrong])).stderr).toMatch(/plugin "one" is given twice/)
    const environment = { MOORING_PLUGIN: plugins.join('\n').replace('unix:///nowhere/two', 'two') }
    expect((await runMooring(['server'], { environment })).stderr).toMatch(/write ID=unix:\/\/\//)
  })

  it('take false in the environment for false, and refuse what is neither', async () => {
    const environment = { MOORING_PRUNE: 'perhaps' }
    const refused = await runMooring(['plan', '.'], { environment })
    expect(refused.stderr).toMatch(/MOORING_PRUNE is "perhaps": write true or false/)
    const taken = await runMooring(['plan', temporaryDirectory(), '--data-dir', temporaryDirectory()], {
      environment: { MOORING_PRUNE: 'false' },
    })
    expect(taken).toMatchObject({ status: 0, stderr: '' })
  })
})

describe('mooring', () => {
  it('version prints its version', async () => {
    expect((await runMooring(['version'])).stdout).toMatch(/^mooring \d+\.\d+\.\d+ \(Node \d+/)
    expect(JSON.parse((await runMooring(['version', '-o', 'json'])).stdout)).toHaveProperty('mooring')
  })

  it('--help lists the commands, and each has examples or says all in its flags', async () => {
    const { stdout } = await runMooring(['--help'])
    for (const command of ['up', 'run', 'validate', 'plan', 'apply', 'status', 'orphans', 'import']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'))
    }
    const help = await runMooring(['plan', '--help'])
    expect(help.stdout).toMatch(/Examples:\n {2}mooring plan volumes\//)
    expect(help.stdout).toMatch(/Exit status: 0 done/)
  })

  it('completion prints a script that bash completes by: commands, flags, choices, kinds', async () => {
    const complete = await bashCompletion()
    expect(complete('mooring st')).toEqual(['status'])
    expect(complete('mooring plan --prune-')).toEqual(['--prune-delay'])
    expect(complete('mooring status --output w')).toEqual(['wide'])
    expect(complete('mooring status -o w')).toEqual(['wide'])
    expect(complete('mooring describe s')).toEqual(['snapshot', 'schedule'])
    expect(complete('mooring snapshot ')).toEqual(['now', 'keep', 'trust-clock'])
    expect(complete('mooring snapshot keep --re')).toEqual(['--release'])
    // bash has split the word at its colons.
    const named = await bashCompletion('echo default/nightly:data:20261129')
    expect(named('mooring snapshot keep nightly:da')).toEqual(['data:20261129'])
    expect(complete('mooring server token ')).toEqual(['create'])
  })

  it('completion offers files, and no flags, where a flag takes a value', async () => {
    const { stdout: zsh } = await runMooring(['completion', 'zsh'])
    expect(zsh).toContain("'--data-dir[folder of all that Mooring keeps]:value:_files'")
    const { stdout: fish } = await runMooring(['completion', 'fish'])
    expect(fish).toMatch(/ -l data-dir -d '[^']*' -r -F$/m)
    expect(fish).toMatch(/ -l prune -d '[^']*'$/m)
    expect((await bashCompletion())('mooring plan --data-dir ')).toEqual([])
  })

  it.each([
    ['zsh', /^#compdef mooring\n/, /'status:show where every declaration stands'/],
    ['fish', /-a status -d 'show where/, /__fish_seen_subcommand_from status' -l watch/],
  ])('completion prints a script for %s', async (shell, begins, holds) => {
    const { status, stdout } = await runMooring(['completion', shell])
    expect(status).toBe(0)
    expect(stdout).toMatch(begins)
    expect(stdout).toMatch(holds)
  })
})
