import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { packageVersion } from '../../src/lib/version.ts'
import { watchProcess } from '../helpers/mooring-process.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

function run(
  command: string,
  parameters: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
) {
  const { status, stdout, stderr } = spawnSync(command, parameters, { encoding: 'utf8', ...options })
  return { status, stdout, stderr }
}

/** Options by which this Node is an older one, told so before the first line runs. */
function asOlderNode(): string[] {
  const pretend = join(temporaryDirectory(), 'pretend.cjs')
  writeFileSync(
    pretend,
    // The real one, which it starts, is not told.
    "if (!process.env.MOORING_TEST_STARTED) Object.defineProperty(process.versions, 'node', { value: '20.20.2' })\n" +
      "process.env.MOORING_TEST_STARTED = 'yes'\n",
  )
  return ['--require', pretend]
}

describe('the command in a clone', () => {
  it('runs the sources, by npx', () => {
    const { status, stdout } = run('npx', ['mooring', '--version'])
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${packageVersion()}\n` })
  })

  it('runs from any folder once it is installed for all', () => {
    const prefix = temporaryDirectory()
    const installed = run('npm', ['install', '--global', '--offline', '--prefix', prefix, '.'])
    expect(installed.status, installed.stderr).toBe(0)
    const { status, stdout } = run(join(prefix, 'bin/mooring'), ['--version'], { cwd: prefix })
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${packageVersion()}\n` })
  })

  it('runs by the Node that npm ci brought where the machine has an older one, and ends as that does', () => {
    const mooring = [...asOlderNode(), 'bin/mooring.js']
    expect(run(process.execPath, [...mooring, '--version'])).toEqual({
      status: 0,
      stdout: `${packageVersion()}\n`,
      stderr: '',
    })
    expect(run(process.execPath, [...mooring, 'validate', 'nowhere']).status).toBe(1)
  })
})

describe('the package', () => {
  it('installs from its tarball into an empty prefix and runs', async () => {
    const directory = temporaryDirectory()
    const packed = run('npm', ['pack', '--silent', '--pack-destination', directory])
    expect(packed.stderr + packed.stdout).toMatch(/mooring-.*\.tgz/)
    const [tarball = ''] = readdirSync(directory)
    const prefix = join(directory, 'prefix')
    mkdirSync(prefix)
    writeFileSync(join(prefix, 'package.json'), '{}')
    const installed = run(
      'npm',
      ['install', '--prefer-offline', '--no-audit', '--no-fund', join(directory, tarball)],
      {
        cwd: prefix,
      },
    )
    expect(installed.status, installed.stderr).toBe(0)

    const command = join(prefix, 'node_modules', '.bin', 'mooring')
    const version = run(command, ['--version'], { cwd: prefix })
    expect(version).toEqual({ status: 0, stdout: `${packageVersion()}\n`, stderr: '' })
    const help = run(command, ['up', '--help'], { cwd: prefix })
    expect(help.stdout).toContain('--data-dir')
    // All of it, on the examples that the package ships: the proto and the manifests are found where they were put.
    const examples = join(prefix, 'node_modules', 'mooring', 'manifests', 'examples')
    const up = [
      'up',
      examples,
      '--data-dir',
      join(directory, 'data'),
      '--http',
      '127.0.0.1:0',
      '--output',
      'log',
    ]
    const child = spawn(command, up, { cwd: prefix, stdio: ['ignore', 'pipe', 'pipe'] })
    onTestFinished(() => {
      child.kill('SIGKILL')
    })
    const mooring = watchProcess(child)
    await mooring.logged(
      (line) => line.key === 'Volume/default/postgres-data' && line.state === 'ready',
      'it is ready',
    )

    // The example of docs/nomad-client.md, as a user has it: type-checked, then run.
    const [, example = ''] = /^```ts\n(.*?)^```$/ms.exec(readFileSync('docs/nomad-client.md', 'utf8')) ?? []
    writeFileSync(join(prefix, 'example.mts'), example)
    const checked = run(
      resolve('node_modules/.bin/tsc'),
      [
        ...['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024'],
        ...['--types', 'node', '--typeRoots', resolve('node_modules/@types'), 'example.mts'],
      ],
      { cwd: prefix },
    )
    expect(checked).toMatchObject({ status: 0, stdout: '' })
    const [, url = ''] = await mooring.printed(/^Volumes API\s+(http:\S+)\/v1\/volumes/)
    const client = run(process.execPath, ['example.mts'], {
      cwd: prefix,
      env: { ...process.env, NOMAD_ADDR: url },
    })
    expect(client).toMatchObject({ status: 0, stderr: '' })
    expect(client.stdout.trim().split('\n').slice(-4)).toEqual([
      'true',
      expect.stringMatching(/^example\S* 1048576$/),
      'true',
      'transient VolumeNotFound',
    ])
    mooring.signal('SIGTERM')
    expect(await mooring.exited()).toBe(0)
  }, 180_000)

  it('says in one line what to do on an older Node', () => {
    const directory = temporaryDirectory()
    // Without what `npm ci` brings.
    cpSync('bin', join(directory, 'bin'), { recursive: true })
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
    for (const script of ['bin/require-node-24.js', 'bin/mooring.js']) {
      const { status, stderr } = run(process.execPath, [...asOlderNode(), join(directory, script)])
      expect(status).toBe(1)
      expect(stderr.trim().split('\n')).toHaveLength(1)
      expect(stderr).toContain('needs Node 24 or later')
    }
  })

  it('checks for Node 24 first in every script', () => {
    const scripts: Record<string, string> = JSON.parse(run('npm', ['pkg', 'get', 'scripts']).stdout)
    const unchecked = Object.entries(scripts).filter(
      ([name, script]) => name !== 'prepack' && !script.startsWith('node bin/require-node-24.js && '),
    )
    expect(Object.keys(scripts).length).toBeGreaterThan(5)
    expect(unchecked).toEqual([])
  })
})
