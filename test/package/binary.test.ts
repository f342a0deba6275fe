import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { packageVersion } from '../../src/lib/version.ts'
import { volumeYAML } from '../helpers/declarations-yaml.ts'
import { type MooringProcess, watchProcess } from '../helpers/mooring-process.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** A machine without Node, and without anything else. */
const environment = { PATH: '/nowhere', HOME: '/nowhere' }

/** It is made for Linux. */
const whySkipped = process.platform === 'linux' ? '' : ' (skipped: this is no Linux)'

describe.skipIf(whySkipped !== '')(`the executable file, on a machine without Node${whySkipped}`, () => {
  const built = mkdtempSync(join(tmpdir(), 'mooring-binary-'))
  let binary = ''

  beforeAll(() => {
    const out = ['scripts/build-binary.ts', '--out', built]
    binary = execFileSync(process.execPath, out, { encoding: 'utf8' }).trim()
  }, 300_000)
  afterAll(() => rmSync(built, { recursive: true }))

  const run = (...parameters: string[]) =>
    execFileSync(binary, parameters, {
      encoding: 'utf8',
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })

  function start(...parameters: string[]): MooringProcess {
    const child = spawn(binary, parameters, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
    onTestFinished(() => {
      child.kill('SIGKILL')
    })
    return watchProcess(child)
  }

  it('knows its version, its commands and its reasons', () => {
    expect(run('--version')).toBe(`${packageVersion()}\n`)
    expect(run('plan', '--help')).toMatch(/^Usage: mooring plan/)
    expect(run('explain', 'Vanished')).toMatch(/Vanished/)
  })

  it('is driver, server and operator, and makes a volume of a folder', async () => {
    const folder = temporaryDirectory()
    writeFileSync(join(folder, 'data.yaml'), volumeYAML('data'))
    const at = (name: string) => join(folder, name)
    const endpoint = `unix://${at('csi.sock')}`
    const driver = start('driver', '--endpoint', endpoint, '--pool', at('pool'))
    await driver.logged(({ msg }) => msg === 'driver ready', 'the driver listens')
    const server = start(
      ...[
        'server',
        '--plugin',
        `directories=${endpoint}`,
        '--http',
        '127.0.0.1:0',
        '--data-dir',
        at('server'),
      ],
    )
    const { url } = await server.logged(({ msg }) => msg === 'server listens', 'the server listens')
    const operator = start(
      ...['run', '--source', at('data.yaml'), '--nomad-addr', `${url}`, '--data-dir', at('operator')],
      ...['--http-ui', '127.0.0.1:0'],
    )
    await operator.logged(
      ({ key, state }) => key === 'Volume/default/data' && state === 'ready',
      'the volume is ready',
    )
    expect(run('status', '--data-dir', at('operator'))).toMatch(/^Volume +default\/data +directories +Ready/m)
    // The dashboard is in the file.
    const link = run('dashboard', '--data-dir', at('operator')).trim()
    expect(await (await fetch(new URL('/', link))).text()).toContain('<script type="module"')
    // The backup is made by a thread, whose code is in the file too.
    run('server', 'backup', at('backup.sqlite'), '--data-dir', at('server'))
    expect(statSync(at('backup.sqlite')).size).toBeGreaterThan(0)
    for (const process of [operator, server, driver]) {
      process.signal('SIGTERM')
      expect(await process.exited()).toBe(0)
    }
  }, 60_000)
})
