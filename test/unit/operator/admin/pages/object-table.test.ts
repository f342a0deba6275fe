import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createObjectTable } from '../../../../../src/operator/admin/pages/object-table.ts'
import { type ObjectQuery, sortFields } from '../../../../../src/wire/dashboard/objects.ts'
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
  const names = async (query: ObjectQuery) => (await table.query(query)).rows.map(({ object }) => object.name)

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
  it.each(rows)('finds by %s', async (_what, query, total) => {
    expect(await table.query(query)).toMatchObject({ total, all: 10_000 })
  })

  it('gives a page of it, with the counts of all', async () => {
    const { rows, filters, page, size } = await table.query({ text: 'app=web', page: 3, size: 7 })
    expect([rows.length, page, size]).toEqual([7, 3, 7])
    expect(filters.plugin).toEqual([
      { value: 'ebs0', count: 5_000 },
      { value: 'nfs0', count: 5_000 },
    ])
    expect(filters.state.map(({ count }) => count)).toEqual([2_500, 2_500, 2_500, 2_500])
  })

  it('puts what needs a person first by state, and the other way round', async () => {
    const shown = async (query: ObjectQuery) => (await table.query(query)).rows[0]?.state
    expect(await shown({ sort: 'state' })).toBe('Stalled')
    expect(await shown({ sort: 'state', descending: true })).toBe('Ready')
  })

  it('shows each object once on its pages, whatever the order', async () => {
    const small = createObjectTable(() => [clusterView({ records: recordsOf(23) })])
    const size = fc.integer({ min: 1, max: 30 })
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...sortFields), fc.boolean(), size, async (sort, descending, size) => {
        const pages = Array.from({ length: Math.ceil(23 / size) }, async (_, page) => {
          const { rows } = await small.query({ sort, descending, size, page: page + 1 })
          return rows.map(({ object }) => object.key)
        })
        const keys = (await Promise.all(pages)).flat()
        expect(keys).toHaveLength(23)
        expect(new Set(keys).size).toBe(23)
      }),
    )
  })

  it('keeps an order through changes as if it were made anew', async () => {
    const change = fc.record({ index: fc.nat(40), state: fc.constantFrom(...states), bytes: fc.nat(9) })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 60 }), fc.nat(20), async (changes, asked) => {
        const view = clusterView({ records: recordsOf(30) })
        const kept = createObjectTable(() => [view])
        for (const [place, { index, state, bytes }] of changes.entries()) {
          const record = volumeRecord(volume(`data-${index}`), {
            status: { conditions: conditionsOf(state), sizeBytes: bytes },
          })
          await view.change(record)
          if (place % (asked + 1) === 0) await kept.query({ sort: 'state' })
          if (place % (asked + 2) === 0) await kept.query({ sort: 'size' })
        }
        for (const sort of sortFields)
          expect(await kept.query({ sort })).toEqual(await createObjectTable(() => [view]).query({ sort }))
      }),
      { numRuns: 50 },
    )
  })

  it('follows a change in every order that was asked for', async () => {
    expect(await names({ state: 'Stalled', sort: 'name', size: 1 })).toEqual(['data-10'])
    expect(await names({ sort: 'state', size: 1 })).toEqual(['data-10'])
    const [, , , , , , , , , , tenth] = many
    if (tenth === undefined) return expect.fail()
    await view.change({ ...tenth, status: { conditions: conditionsOf('Ready') } } as typeof tenth)
    expect(await names({ state: 'Stalled', sort: 'name', size: 1 })).not.toEqual(['data-10'])
    expect(await names({ sort: 'state', size: 1 })).not.toEqual(['data-10'])
    await view.change(volumeRecord(volume('data-new'), { status: { conditions: conditionsOf('Stalled') } }))
    expect(await names({ text: 'data-new', sort: 'state' })).toEqual(['data-new'])
    expect((await table.query({})).all).toBe(10_001)
  })

  it('shows the clusters of a process side by side, and forgets one that went', async () => {
    const record = volumeRecord(volume('data'), { status: { conditions: conditionsOf('Ready') } })
    const own = clusterView({ records: [record] })
    let views = [own, clusterView({ records: [record], cluster: 'east' })]
    const both = createObjectTable(() => views)
    expect((await both.query({ cluster: 'east' })).rows[0]?.object).toMatchObject({
      key: record.key,
      cluster: 'east',
    })
    expect((await both.query({})).total).toBe(2)
    views = [own]
    expect((await both.query({})).total).toBe(1)
  })

  it('shows a refused declaration beside the one that owns the identity', async () => {
    const record = volumeRecord(volume('data'), { status: { conditions: conditionsOf('Ready') } })
    const refusal = {
      key: record.key,
      declaration: volume('data', {}, place('other.yaml')),
      reason: 'OwnedElsewhere' as const,
      message: 'declared twice',
    }
    const refused = createObjectTable(() => [clusterView({ records: [record], refusals: [refusal] })])
    const { rows } = await refused.query({ sort: 'state' })
    const found = rows.map(({ state, place }) => [state, place])
    expect(found).toEqual([
      ['Refused', 'declarations/other.yaml:1:1'],
      ['Ready', 'declarations/data.yaml:1:1'],
    ])
  })
})
