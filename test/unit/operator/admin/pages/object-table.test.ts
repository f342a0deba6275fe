import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createObjectTable } from '../../../../../src/operator/admin/pages/object-table.ts'
import type { ObjectQuery } from '../../../../../src/wire/dashboard/objects.ts'
import { clusterView, conditionsOf } from '../../../../builders/cluster-view.ts'
import { place, volume } from '../../../../builders/declarations.ts'
import { volumeRecord } from '../../../../builders/records.ts'

const states = ['Ready', 'Reconciling', 'Stalled', 'Held'] as const

/** Declarations of all states over two plugins and two namespaces, each with a label of its own. */
const recordsOf = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    volumeRecord(
      volume(
        `data-${index}`,
        { namespace: index % 3 === 0 ? 'prod' : 'default', pluginID: index % 2 === 0 ? 'ebs0' : 'nfs0' },
        place(`${index}.yaml`),
        { app: index % 5 === 0 ? 'web' : 'batch' },
      ),
      {
        externalID: `vol-${index}`,
        status: { conditions: conditionsOf(states[index % 4] ?? 'Ready'), externalID: `vol-${index}` },
      },
    ),
  )

describe('the table of declarations', () => {
  const many = recordsOf(10_000)
  const view = clusterView({ records: many })
  const table = createObjectTable(() => [view])
  const names = (query: ObjectQuery) => table.query(query).rows.map(({ object }) => object.name)

  const rows: readonly [string, ObjectQuery, number][] = [
    ['all', {}, 10_000],
    ['a name', { text: 'data-1234' }, 1],
    ['an external ID, whatever its case', { text: 'VOL-77' }, 111],
    ['a label', { text: 'app=web' }, 2_000],
    ['two words, each of them', { text: 'app=web nfs0' }, 1_000],
    ['one of two states', { state: 'Stalled,Held' }, 5_000],
    ['a plugin and a namespace', { plugin: 'ebs0', namespace: 'prod' }, 1_667],
    ['the operator’s own cluster', { cluster: '' }, 10_000],
    ['another cluster', { cluster: 'east' }, 0],
    ['a source', { source: 'declarations' }, 10_000],
  ]
  it.each(rows)('finds by %s', (_what, query, total) => {
    expect(table.query(query)).toMatchObject({ total, all: 10_000 })
  })

  it('gives a page of it, with the counts of all', () => {
    const { rows, filters, page, size } = table.query({ text: 'app=web', page: 3, size: 7 })
    expect([rows.length, page, size]).toEqual([7, 3, 7])
    expect(filters.plugin).toEqual([
      { value: 'ebs0', count: 5_000 },
      { value: 'nfs0', count: 5_000 },
    ])
    expect(filters.state.map(({ count }) => count)).toEqual([2_500, 2_500, 2_500, 2_500])
  })

  it('puts what needs a person first by state, and the other way round', () => {
    const shown = (query: ObjectQuery) => table.query(query).rows[0]?.state
    expect(shown({ sort: 'state' })).toBe('Stalled')
    expect(shown({ sort: 'state', descending: true })).toBe('Ready')
  })

  it('shows each object once on its pages, whatever the order', () => {
    const small = createObjectTable(() => [clusterView({ records: recordsOf(23) })])
    const sorts = ['name', 'kind', 'state', 'plugin', 'since', 'size', 'created'] as const
    fc.assert(
      fc.property(
        fc.constantFrom(...sorts),
        fc.boolean(),
        fc.integer({ min: 1, max: 30 }),
        (sort, descending, size) => {
          const pages = Array.from({ length: Math.ceil(23 / size) }, (_, page) =>
            small.query({ sort, descending, size, page: page + 1 }).rows.map(({ object }) => object.key),
          ).flat()
          expect(pages).toHaveLength(23)
          expect(new Set(pages).size).toBe(23)
        },
      ),
    )
  })

  it('follows a change in every order that was asked for', async () => {
    expect(names({ state: 'Stalled', sort: 'name', size: 1 })).toEqual(['data-10'])
    expect(names({ sort: 'state', size: 1 })).toEqual(['data-10'])
    const [, , , , , , , , , , tenth] = many
    if (tenth === undefined) return expect.fail()
    await view.change({ ...tenth, status: { conditions: conditionsOf('Ready') } } as typeof tenth)
    expect(names({ state: 'Stalled', sort: 'name', size: 1 })).not.toEqual(['data-10'])
    expect(names({ sort: 'state', size: 1 })).not.toEqual(['data-10'])
    await view.change(volumeRecord(volume('data-new'), { status: { conditions: conditionsOf('Stalled') } }))
    expect(names({ text: 'data-new', sort: 'state' })).toEqual(['data-new'])
    expect(table.query({}).all).toBe(10_001)
  })

  it('shows the clusters of a process side by side, and forgets one that went', () => {
    const record = volumeRecord(volume('data'), { status: { conditions: conditionsOf('Ready') } })
    const own = clusterView({ records: [record] })
    let views = [own, clusterView({ records: [record], cluster: 'east' })]
    const both = createObjectTable(() => views)
    expect(both.query({ cluster: 'east' }).rows[0]?.object).toMatchObject({
      key: record.key,
      cluster: 'east',
    })
    expect(both.query({}).total).toBe(2)
    views = [own]
    expect(both.query({}).total).toBe(1)
  })

  it('shows a refused declaration beside the one that owns the identity', () => {
    const record = volumeRecord(volume('data'), { status: { conditions: conditionsOf('Ready') } })
    const refusal = {
      key: record.key,
      declaration: volume('data', {}, place('other.yaml')),
      reason: 'OwnedElsewhere' as const,
      message: 'declared twice',
    }
    const refused = createObjectTable(() => [clusterView({ records: [record], refusals: [refusal] })])
    const found = refused.query({ sort: 'state' }).rows.map(({ state, place }) => [state, place])
    expect(found).toEqual([
      ['Refused', 'declarations/other.yaml:1:1'],
      ['Ready', 'declarations/data.yaml:1:1'],
    ])
  })
})
