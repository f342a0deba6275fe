import { describe, expect, it } from 'vitest'
import { readNomadCluster } from '../../../../src/operator/declare/nomad-cluster.ts'
import { parseDeclarations } from '../../../../src/operator/declare/parse-declarations.ts'
import { readObject } from '../../../../src/operator/declare/read-object.ts'

const capabilities = [{ accessMode: 'single-node-writer', attachmentMode: 'file-system' }]
const volume = (spec: object, labels?: Record<string, string>) =>
  readObject(
    {
      kind: 'Volume',
      metadata: { name: 'a', ...(labels && { labels }) },
      spec: { pluginID: 'p', capabilities, ...spec },
    },
    'team',
  )

/** Field and message of everything that is wrong. */
const faultsOf = (reading: object) =>
  'faults' in reading ? reading.faults : expect.fail('is read without a fault')

describe('an object of Kubernetes', () => {
  it('is read as the same YAML in a file is, in the namespace that its own is mapped to', () => {
    expect(volume({ capacity: { min: '1Gi' }, cluster: 'east', name: null })).toMatchObject({
      kind: 'Volume',
      name: 'a',
      spec: { volumeID: 'a', namespace: 'team', cluster: 'east', capacity: { min: 1024n ** 3n } },
    })
  })

  it('keeps the labels that Mooring itself writes', () => {
    const labels = { 'mooring.dev/schedule': 'nightly' }
    expect(volume({ externalID: 'x' }, labels)).toMatchObject({ labels })
  })

  it('takes secrets from Secrets of its namespace', () => {
    const secrets = { password: { fromSecret: { name: 'db', key: 'password' } } }
    expect(volume({ externalID: 'x', secrets })).toMatchObject({ spec: { secrets } })
  })

  it.each([{ fromEnv: 'MOORING_SECRET_DB' }, { fromFile: 'db' }])(
    "reaches nothing of the operator's machine: %o",
    (reference) => {
      expect(faultsOf(volume({ externalID: 'x', secrets: { password: reference } }))).toEqual([
        { path: ['spec', 'secrets', 'password'], message: expect.stringContaining('fromSecret') },
      ])
    },
  )

  it('says what is there or what to create', () => {
    expect(faultsOf(volume({}))).toEqual([
      { path: ['spec'], message: expect.stringContaining('give externalID') },
    ])
  })

  it("names the template's secrets in a schedule", () => {
    const spec = {
      schedule: '@daily',
      volumes: { names: ['a'] },
      template: { secrets: { password: { fromFile: 'db' } } },
    }
    const reading = readObject({ kind: 'SnapshotSchedule', metadata: { name: 'n' }, spec }, 'team')
    expect(faultsOf(reading)).toMatchObject([{ path: ['spec', 'template', 'secrets', 'password'] }])
  })

  it('is a snapshot that a schedule made', () => {
    const object = {
      kind: 'Snapshot',
      metadata: { name: 's' },
      spec: { volume: 'a', cluster: 'east' },
    } as const
    const spec = { namespace: 'team', cluster: 'east' }
    expect(readObject(object, 'team')).toMatchObject({ kind: 'Snapshot', spec })
  })
})

describe('a file', () => {
  const problemsOf = (kind: string, spec: object) =>
    parseDeclarations(
      JSON.stringify({ apiVersion: 'mooring.dev/v1alpha1', kind, metadata: { name: 'a' }, spec }),
      { source: 's', file: 'a.yaml' },
    ).problems.map(({ field, message }) => `${field} ${message}`)

  it.each([
    ['Volume', { pluginID: 'p', capabilities }],
    ['Snapshot', { volume: 'v' }],
    ['SnapshotSchedule', { schedule: '@daily', volumes: { names: ['v'] } }],
  ])('names no NomadCluster in a %s', (kind, spec) => {
    expect(problemsOf(kind, spec)).toEqual([])
    expect(problemsOf(kind, { ...spec, cluster: 'east' })).toEqual([
      expect.stringMatching(
        /^spec\.cluster is only for objects of Kubernetes: remove it\. .*NOMAD_\* settings/,
      ),
    ])
  })

  it('reaches no Secret of Kubernetes', () => {
    const secrets = { password: { fromSecret: { name: 'db', key: 'password' } } }
    expect(problemsOf('Volume', { pluginID: 'p', capabilities, secrets })).toEqual([
      expect.stringMatching(/^spec\.secrets\.password fromSecret is only for objects of Kubernetes.*fromEnv/),
    ])
  })

  it('declares no NomadCluster', () => {
    expect(problemsOf('NomadCluster', { address: 'https://n' })).toEqual([
      expect.stringContaining('NOMAD_* settings'),
    ])
  })
})

describe('a NomadCluster', () => {
  const cluster = (spec: object) =>
    readNomadCluster({
      apiVersion: 'mooring.dev/v1alpha1',
      kind: 'NomadCluster',
      metadata: { name: 'east' },
      spec,
    })

  it('is an address and references to Secrets', () => {
    const spec = {
      address: 'https://nomad.example:4646',
      region: 'global',
      tlsServerName: 'server.global.nomad',
      caCert: { name: 'nomad', key: 'ca.crt' },
      token: { name: 'nomad', key: 'token' },
      clientCertificate: { name: 'nomad-client' },
    }
    expect(cluster(spec)).toEqual({ name: 'east', labels: {}, spec })
  })

  it.each(['https://ops:hunter2@nomad.example:4646', 'ops:hunter2@nomad', 'https://nomad/?token=hunter2'])(
    'is not repeated where its address may hold a password',
    (address) => {
      expect(faultsOf(cluster({ address }))).toMatchObject([
        { message: expect.stringMatching(/^is not the address of .*neither user nor password$/) },
      ])
    },
  )

  it.each([
    ['no address of an API', { address: 'nomad.example:4646' }, 'write https://'],
    ['a path', { address: 'https://nomad.example/v1' }, 'write https://'],
    ['a password', { address: 'https://user:secret@nomad.example' }, 'write https://'],
    ['TLS without https', { address: 'http://nomad', caCert: { name: 'n', key: 'c' } }, 'write https'],
  ])('is refused with %s', (_title, spec, remedy) => {
    expect(faultsOf(cluster(spec))).toMatchObject([
      { path: ['spec', 'address'], message: expect.stringContaining(remedy) },
    ])
  })
})
