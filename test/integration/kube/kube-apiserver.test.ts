/**
 * How tests start the binaries of KUBEBUILDER_ASSETS, tried with stand-ins: what flags they get, that they are waited
 * for, and what is said where they do not come up. The flags are those of envtest
 * (sigs.k8s.io/controller-runtime, pkg/internal/testing/controlplane), but for who the administrator is.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { expect, test, vi } from 'vitest'
import { createAuthority } from '../../helpers/certificates.ts'
import { startKubeApiserver } from '../../helpers/kube-apiserver.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

/** Writes down what it was started with, and then does this. */
function standIn(assets: string, name: string, body: string) {
  const file = join(assets, name)
  const script = `#!${process.execPath}
const fs = require('node:fs')
const flags = Object.fromEntries(process.argv.slice(2).map((flag) => /^--([^=]+)=(.*)$/.exec(flag).slice(1)))
process.on('SIGTERM', () => {
  fs.writeFileSync(${JSON.stringify(`${file}.ended`)}, '')
  process.exit(0)
})
fs.writeFileSync(${JSON.stringify(`${file}.json`)}, JSON.stringify(flags))
${body}
`
  writeFileSync(file, script)
  chmodSync(file, 0o755)
}

async function assetsIn(directory: string, apiserver?: string): Promise<string> {
  const assets = join(directory, 'assets')
  mkdirSync(assets)
  const { cert, key } = await (await createAuthority(directory)).issue('127.0.0.1', ['127.0.0.1'])
  standIn(assets, 'etcd', 'setInterval(() => {}, 1000)')
  standIn(
    assets,
    'kube-apiserver',
    apiserver ??
      `const [token] = fs.readFileSync(flags['token-auth-file'], 'utf8').split(',')
let asked = 0
require('node:https').createServer(${JSON.stringify({ cert, key })}, (request, response) => {
  const isKnown = request.headers.authorization === 'Bearer ' + token && request.url === '/readyz'
  response.writeHead(!isKnown ? 401 : ++asked < 3 ? 500 : 200).end()
}).listen(Number(flags['secure-port']), flags['bind-address'])`,
  )
  return assets
}

/** Nobody waits for etcd itself. */
function flagsOf(assets: string, name: string): Promise<Record<string, string>> {
  return vi.waitFor(() => JSON.parse(readFileSync(join(assets, `${name}.json`), 'utf8')), { timeout: 10_000 })
}

test('etcd and kube-apiserver are started as envtest does, waited for, and ended', async () => {
  const directory = temporaryDirectory()
  const assets = await assetsIn(directory)
  const server = await startKubeApiserver(assets, directory)
  const etcd = await flagsOf(assets, 'etcd')
  expect(Object.keys(etcd).sort()).toEqual([
    'advertise-client-urls',
    'data-dir',
    'listen-client-urls',
    'listen-peer-urls',
    'unsafe-no-fsync',
  ])
  expect(etcd['listen-client-urls']).toBe(etcd['advertise-client-urls'])
  const flags = await flagsOf(assets, 'kube-apiserver')
  expect(flags).toMatchObject({
    'etcd-servers': etcd['listen-client-urls'],
    'authorization-mode': 'RBAC',
    'disable-admission-plugins': 'ServiceAccount',
    'service-cluster-ip-range': '10.0.0.0/24',
    'bind-address': '127.0.0.1',
  })
  expect(Object.keys(flags)).toEqual(
    expect.arrayContaining([
      'cert-dir',
      'secure-port',
      'service-account-issuer',
      'service-account-key-file',
      'service-account-signing-key-file',
    ]),
  )
  expect(load(readFileSync(server.kubeconfig, 'utf8'))).toMatchObject({
    clusters: [{ cluster: { server: `https://127.0.0.1:${flags['secure-port']}` } }],
  })
  await server.close()
  for (const name of ['etcd', 'kube-apiserver']) readFileSync(join(assets, `${name}.ended`))
})

test('one that ends says why', async () => {
  const directory = temporaryDirectory()
  const assets = await assetsIn(directory, "console.error('Error: unknown flag: --x')\nprocess.exit(1)")
  await expect(startKubeApiserver(assets, directory)).rejects.toThrow(
    /kube-apiserver ended with 1:\nError: unknown flag: --x$/,
  )
})

test('a folder without them is named', async () => {
  const directory = temporaryDirectory()
  await expect(startKubeApiserver(join(directory, 'nothing'), directory)).rejects.toThrow(
    /nothing\/etcd cannot be started: .*ENOENT/,
  )
})
