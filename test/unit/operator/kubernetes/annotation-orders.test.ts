import { describe, expect, it } from 'vitest'
import type { KubernetesObject } from '../../../../src/kube/api.ts'
import { createAnnotationOrders } from '../../../../src/operator/kubernetes/annotation-orders.ts'
import { viewObject } from '../../../../src/operator/kubernetes/object-view.ts'
import type { ObjectWriter } from '../../../../src/operator/kubernetes/object-writer.ts'
import { type ObjectStatus, readStatus } from '../../../../src/operator/kubernetes/status.ts'
import { expandPerAlloc } from '../../../../src/operator/plan/per-alloc.ts'
import { volumeObject } from '../../../builders/objects.ts'
import { volumeRecord } from '../../../builders/records.ts'

/** A Volume object whose volumes are managed, and what becomes of the orders in its annotations. */
function world(spec: Readonly<Record<string, unknown>> = {}) {
  let object: KubernetesObject = volumeObject('data', spec)
  const events: string[] = []
  const ordered: string[] = []
  const refused = new Set<string>()
  const view = () => viewObject(object, new Map([['*', ['*']]]))
  const { declaration } = view()
  if (declaration === undefined) throw new Error('the object declares nothing')
  const records = new Map(
    expandPerAlloc(declaration).flatMap((each, index) =>
      each.kind === 'Volume'
        ? [volumeRecord(each, { externalID: `vol-${index}` })].map((record) => [record.key, record] as const)
        : [],
    ),
  )
  const writer: Pick<ObjectWriter, 'current' | 'writeStatus' | 'event'> = {
    current: () => object,
    async writeStatus(_object, change) {
      const status = change(readStatus(object))
      if (status !== undefined) object = { ...object, status }
    },
    event: (_object, _type, reason) => events.push(reason),
  }
  const order = (name: string) => async (key: string, what: string) => {
    if (refused.has(key)) throw new Error(`${key} is refused`)
    ordered.push(`${name} ${key} ${what}`)
    return 'ordered'
  }
  const { follow } = createAnnotationOrders({
    writer: writer as ObjectWriter, // No finalizer is touched.
    inventory: { get: (key) => records.get(key), orders: () => ({}) },
    orders: {
      restore: order('restore'),
      restoreReplaced: order('go back'),
      recreate: order('recreate'),
      detach: order('detach'),
      snapshotNow: async () => ({ message: 'begun', keys: [] }),
    },
    wake: () => {},
  })
  return {
    events,
    ordered,
    refused,
    status: (): ObjectStatus => readStatus(object),
    async annotate(annotations: Readonly<Record<string, string>>) {
      object = { ...object, metadata: { ...object.metadata, annotations } }
      await follow([view()])
    },
  }
}

describe('an order in an annotation', () => {
  it('is taken once, and again only as another value', async () => {
    const { ordered, events, status, annotate } = world()
    await annotate({ 'mooring.dev/node-is-dead': '8f3c' })
    await annotate({ 'mooring.dev/node-is-dead': '8f3c' })
    expect(ordered).toEqual(['detach Volume/team-a/data 8f3c'])
    expect(events).toEqual(['DetachOrdered'])
    expect(status()).toEqual({ lastHandledNodeIsDead: '8f3c' })
    await annotate({})
    expect(status()).toEqual({})
    await annotate({ 'mooring.dev/node-is-dead': '8f3c' })
    expect(ordered).toHaveLength(2)
  })

  it('counts as taken where it is refused, and an event says why', async () => {
    const { events, refused, status, annotate } = world()
    refused.add('Volume/team-a/data')
    await annotate({ 'mooring.dev/node-is-dead': 'ffff' })
    expect(events).toEqual(['DetachRefused'])
    expect(status()).toEqual({ lastHandledNodeIsDead: 'ffff' })
  })

  it.each([
    [
      'of a node is about every volume that is there',
      { 'mooring.dev/node-is-dead': '8f3c' },
      'DetachOrdered',
    ],
    [
      'for a restore is about the one that it names',
      { 'mooring.dev/restore-from': 'good@vol-1' },
      'RestoreOrdered',
    ],
    [
      'to go back is about the one that it names',
      { 'mooring.dev/restore-from': 'replaced:vol@9@vol-1' },
      'RestoreOrdered',
    ],
  ])('%s', async (_title, annotations, reason) => {
    const { events, ordered, refused, annotate } = world({ perAlloc: { count: 2 } })
    refused.add('Volume/team-a/data[0]')
    await annotate(annotations)
    expect(events).toEqual([reason])
    expect(ordered).toEqual([expect.stringContaining('Volume/team-a/data[1]')])
  })

  it.each(['good', '@vol-0', 'good@', 'good@vol-7', 'replaced:vol-3@vol-7'])(
    'for a restore is refused as "%s"',
    async (given) => {
      const { events, ordered, annotate } = world()
      await annotate({ 'mooring.dev/restore-from': given })
      expect([events, ordered]).toEqual([['RestoreRefused'], []])
    },
  )
})
