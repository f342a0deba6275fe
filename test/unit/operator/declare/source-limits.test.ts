import { describe, expect, it } from 'vitest'
import type { Declaration, VolumeDeclaration } from '../../../../src/operator/declare/declaration.ts'
import { limitDeclarations, type SourceLimits } from '../../../../src/operator/declare/source-limits.ts'
import { schedule, snapshot, volume } from '../../../builders/declarations.ts'

const limits: SourceLimits = {
  namespaces: ['apps', 'batch-*'],
  plugins: ['ebs0'],
  externalIDs: ['ebs0/vol-b-*'],
  secrets: ['env:MOORING_SECRET_B_*', 'file:b/*'],
}
const own = (spec: Partial<VolumeDeclaration['spec']> = {}) =>
  volume('data', { namespace: 'apps', pluginID: 'ebs0', ...spec })
const key = <Reference>(reference: Reference) => ({ secrets: { key: reference } })

function fieldsBeyond(declaration: Declaration, within: SourceLimits = limits) {
  const parsed = { declarations: [declaration], problems: [], warnings: [], others: [] }
  const { declarations, problems } = limitDeclarations(parsed, within)
  expect(declarations).toHaveLength(problems.length === 0 ? 1 : 0)
  return problems.map(({ field }) => field)
}

describe('a limited source', () => {
  it.each<[string, Declaration, readonly string[]]>([
    ['declares what is within', own(), []],
    ['declares into a namespace by its prefix', own({ namespace: 'batch-2' }), []],
    ['is refused another namespace', own({ namespace: 'prod' }), ['spec.namespace']],
    ['is refused a namespace that only begins alike', own({ namespace: 'apps2' }), ['spec.namespace']],
    ['is refused another plugin', own({ pluginID: 'nfs' }), ['spec.pluginID']],
    ['registers an allowed volume', own({ externalID: 'vol-b-1' }), []],
    ['is refused another external volume', own({ externalID: 'vol-a-1' }), ['spec.externalID']],
    ['is refused another name', own({ name: 'a' }), ['spec.name']],
    ['is refused another snapshot', own({ source: { snapshotID: 's' } }), ['spec.source.snapshotID']],
    ['is refused another volume to clone', own({ source: { cloneID: 'v' } }), ['spec.source.cloneID']],
    ['fills a volume from a declared snapshot', own({ source: { snapshot: 'good' } }), []],
    ['refers to a variable of its own', own(key({ fromEnv: 'MOORING_SECRET_B_DB' })), []],
    ['is refused another variable', own(key({ fromEnv: 'MOORING_SECRET_A' })), ['spec.secrets.key']],
    ['refers to a file of its own', own(key({ fromFile: 'b/db' })), []],
    ['is refused another file', own(key({ fromFile: 'a/db' })), ['spec.secrets.key']],
    ['refers to Nomad Variables of its namespace', own(key({ fromVariable: { path: 'db', item: 'p' } })), []],
    ['writes secrets into a specification', own(key({ fromSpecification: 'hash' })), []],
    [
      'is refused a snapshot in another namespace',
      snapshot('s', 'data', { namespace: 'prod' }),
      ['spec.namespace'],
    ],
    [
      'is refused the secrets of a snapshot',
      snapshot('s', 'data', { namespace: 'apps', ...key({ fromFile: 'a/db' }) }),
      ['spec.secrets.key'],
    ],
    [
      'is refused the secrets of a schedule',
      schedule('s', ['data'], { namespace: 'apps', template: key({ fromEnv: 'MOORING_SECRET_A' }) }),
      ['spec.template.secrets.key'],
    ],
  ])('%s', (_title, declaration, fields) => {
    expect(fieldsBeyond(declaration)).toEqual(fields)
  })

  it('is told what it may use, and never more of a secret than its name', () => {
    const parsed = { declarations: [own({ pluginID: 'nfs' })], problems: [], warnings: [], others: [] }
    expect(limitDeclarations(parsed, limits).problems).toMatchObject([
      { message: expect.stringContaining('is "nfs", which this source may not use (--allow-plugins: ebs0)') },
    ])
  })

  it('may use everything of a sort with *', () => {
    const any: SourceLimits = { namespaces: ['*'], plugins: ['*'], externalIDs: ['*'], secrets: ['*'] }
    const declaration = own({
      namespace: 'prod',
      pluginID: 'nfs',
      externalID: 'v',
      ...key({ fromFile: 'a' }),
    })
    expect(fieldsBeyond(declaration, any)).toEqual([])
  })
})
