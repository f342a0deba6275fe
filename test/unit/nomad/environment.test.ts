import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readEnvironment } from '../../../src/nomad/environment.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const tokenID = '6e7aa1b9-6c1d-4a2a-9f3c-0d4a5c1e9b77'
const identity = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJnbG9iYWwifQ.c2lnbmF0dXJl'

/** The environment of a task of Nomad. */
function task({ hasFile = true } = {}) {
  const NOMAD_SECRETS_DIR = join(temporaryDirectory(), 'secrets')
  mkdirSync(NOMAD_SECRETS_DIR)
  const file = join(NOMAD_SECRETS_DIR, 'nomad_token')
  if (hasFile) writeFileSync(file, identity)
  return { file, environment: { NOMAD_SECRETS_DIR, NOMAD_UNIX_ADDR: `unix://${NOMAD_SECRETS_DIR}/api.sock` } }
}

describe('readEnvironment', () => {
  it('has the default of Nomad’s tools, and takes an empty variable for none', () => {
    const nothing = { address: 'http://127.0.0.1:4646', tls: { skipVerify: false } }
    expect(readEnvironment({})).toEqual(nothing)
    expect(readEnvironment({ NOMAD_ADDR: '', NOMAD_TOKEN: '', NOMAD_CACERT: '' })).toEqual(nothing)
  })

  it('reads the variables of Nomad’s tools', () => {
    expect(
      readEnvironment({
        NOMAD_ADDR: 'https://nomad.example:4646',
        NOMAD_TOKEN: tokenID,
        NOMAD_REGION: 'eu',
        NOMAD_CACERT: 'ca.pem',
        NOMAD_CAPATH: 'cas',
        NOMAD_CLIENT_CERT: 'own.pem',
        NOMAD_CLIENT_KEY: 'own-key.pem',
        NOMAD_TLS_SERVER_NAME: 'server.eu.nomad',
        NOMAD_SKIP_VERIFY: 'T',
      }),
    ).toEqual({
      address: 'https://nomad.example:4646',
      token: tokenID,
      region: 'eu',
      tls: {
        caCertFile: 'ca.pem',
        caPath: 'cas',
        clientCertFile: 'own.pem',
        clientKeyFile: 'own-key.pem',
        serverName: 'server.eu.nomad',
        skipVerify: true,
      },
    })
  })

  it('speaks to its own agent in a task, with the identity that is renewed', () => {
    const { file, environment } = task()
    const expected = { address: environment.NOMAD_UNIX_ADDR, tokenFile: file }
    expect(readEnvironment(environment)).toMatchObject(expected)
    const withIdentity = readEnvironment({ ...environment, NOMAD_TOKEN: identity })
    expect(withIdentity).toMatchObject(expected)
    expect(withIdentity).not.toHaveProperty('token')
  })

  it('finds the socket of an agent that does not name it', () => {
    const { NOMAD_SECRETS_DIR } = task().environment
    const socket = join(NOMAD_SECRETS_DIR, 'api.sock')
    writeFileSync(socket, '')
    expect(readEnvironment({ NOMAD_SECRETS_DIR }).address).toBe(`unix://${socket}`)
  })

  it('takes an ACL token in a task, and the identity of the environment where there is no file', () => {
    const { environment } = task()
    const withToken = readEnvironment({ ...environment, NOMAD_TOKEN: tokenID, NOMAD_ADDR: 'http://other:1' })
    expect(withToken).toMatchObject({ address: 'http://other:1', token: tokenID })
    expect(withToken).not.toHaveProperty('tokenFile')
    const noFile = task({ hasFile: false }).environment
    expect(readEnvironment({ ...noFile, NOMAD_TOKEN: identity })).toMatchObject({ token: identity })
  })
})
