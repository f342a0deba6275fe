import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { nomadConnectionOptions } from '../../../src/cli/nomad-options.ts'
import { clientOptionsOf, type NomadConnection } from '../../../src/nomad/connection.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

/** The client's options by a command's flags and its environment. */
function optionsOf(flags: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  const command = new Command()
  for (const option of nomadConnectionOptions()) command.addOption(option)
  return clientOptionsOf(command.parse(flags, { from: 'user' }).opts<NomadConnection>())
}

const tokenID = '6e7aa1b9-6c1d-4a2a-9f3c-0d4a5c1e9b77'

describe('the connection of a command', () => {
  it('has flags in the manner of the nomad CLI, which come before the environment', () => {
    expect(
      optionsOf(
        [
          ...['--nomad-addr', 'https://here:1', '--nomad-region', 'eu', '--nomad-ca-cert', 'ca.pem'],
          ...['--nomad-ca-path', 'cas', '--nomad-client-cert', 'own.pem', '--nomad-client-key', 'key.pem'],
          ...['--nomad-tls-server-name', 'server.eu.nomad', '--nomad-tls-skip-verify'],
        ],
        { NOMAD_ADDR: 'https://there:1', NOMAD_CACERT: 'other.pem', NOMAD_TOKEN: tokenID },
      ),
    ).toEqual({
      address: 'https://here:1',
      token: tokenID,
      region: 'eu',
      tls: {
        caCertFile: 'ca.pem',
        caPath: 'cas',
        clientCertFile: 'own.pem',
        clientKeyFile: 'key.pem',
        serverName: 'server.eu.nomad',
        skipVerify: true,
      },
    })
  })

  it('takes an empty variable for none', () => {
    expect(optionsOf([], { NOMAD_ADDR: '', NOMAD_TOKEN: '', NOMAD_CAPATH: '' })).toEqual({
      address: 'http://127.0.0.1:4646',
      tls: {},
    })
  })

  it.each([
    'https://ops:hunter2@nomad.example:4646',
    'https://hunter2@nomad.example:4646',
    'nomad:hunter2@nomad.example:4646',
  ])('refuses an address with a password in it, and does not repeat that', (address) => {
    const parse = () => optionsOf([], { NOMAD_ADDR: address })
    expect(parse).toThrow(/^(?:(?!hunter2).)*the address of (?:a|the) Nomad API(?:(?!hunter2).)*$/)
  })

  it('is a task’s own in a task, unless a token or a file of one is given', () => {
    const directory = join(temporaryDirectory(), 'secrets')
    mkdirSync(directory)
    const file = join(directory, 'nomad_token')
    writeFileSync(file, 'a.b.c')
    const environment = { NOMAD_SECRETS_DIR: directory, NOMAD_UNIX_ADDR: 'unix:///secrets/api.sock' }
    expect(optionsOf([], environment)).toMatchObject({ address: 'unix:///secrets/api.sock', tokenFile: file })
    expect(optionsOf([], { NOMAD_TOKEN: 'a.b.c' })).toMatchObject({ tokenFile: file })
    expect(optionsOf(['--nomad-token', tokenID])).toMatchObject({ token: tokenID })
    expect(optionsOf(['--nomad-token-file', 'token'])).toMatchObject({ tokenFile: 'token' })
  })

  it('is only what a command says that has no such flags', () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'nomad_token'), 'a.b.c')
    vi.stubEnv('NOMAD_SECRETS_DIR', directory)
    const options = clientOptionsOf({ nomadAddr: 'http://127.0.0.1:1' })
    expect(options).toEqual({ address: 'http://127.0.0.1:1', tls: {} })
  })
})
