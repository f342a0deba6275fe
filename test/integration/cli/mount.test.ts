import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createNomadClient } from '../../../src/nomad/client.ts'
import { pluginID, startTestServer } from '../../fakes/api-server.ts'
import { createAuthority } from '../../helpers/certificates.ts'
import { runMooring } from '../../helpers/run-mooring.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

describe('mooring mount and mooring unmount', () => {
  it('claim a volume and give it back, over TLS with a client certificate', async () => {
    const directory = temporaryDirectory()
    const mountRoot = join(directory, 'mounts')
    const authority = await createAuthority(directory)
    const own = await authority.issue('server', ['127.0.0.1'])
    const person = await authority.issue('person', [])
    const server = await startTestServer({
      mountRoot,
      tls: { cert: own.certFile, key: own.keyFile, clientCA: authority.certFile },
    })
    onTestFinished(server.dispose)
    const files = { clientCertFile: person.certFile, clientKeyFile: person.keyFile }
    const client = createNomadClient({
      address: server.url,
      tls: { caCertFile: authority.certFile, ...files },
    })
    onTestFinished(client.close)
    await client.createVolume({
      ID: 'data',
      Namespace: 'default',
      Name: 'data',
      PluginID: pluginID,
      RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
    })

    const path = join(mountRoot, 'data')
    const environment = {
      NOMAD_ADDR: server.url,
      NOMAD_CACERT: authority.certFile,
      NOMAD_CLIENT_CERT: person.certFile,
      NOMAD_CLIENT_KEY: person.keyFile,
    }
    const mooring = (...parameters: string[]) => runMooring(parameters, { environment })
    expect(await mooring('mount', 'data', path)).toEqual({
      status: 0,
      stdout: `data is mounted at ${path}\n`,
      stderr: '',
    })
    expect(existsSync(path)).toBe(true)
    expect((await client.readVolume('default', 'data'))?.Allocations).toHaveLength(1)
    expect(await mooring('mount', 'data', join(mountRoot, 'twice'))).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('volume max claims reached'),
    })
    expect(await mooring('unmount', path)).toEqual({
      status: 0,
      stdout: `data is unmounted from ${path}\n`,
      stderr: '',
    })
    expect((await client.readVolume('default', 'data'))?.Allocations).toEqual([])
    // An authority that the machine trusts needs no setting.
    const trusting = { ...environment, NOMAD_CACERT: '', SSL_CERT_FILE: authority.certFile }
    expect(await runMooring(['unmount', path], { environment: trusting })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`no volume is mounted at ${path}`),
    })
  })
})
