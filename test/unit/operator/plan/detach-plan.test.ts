import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Decision, ready, take, wait } from '../../../../src/operator/plan/decision.ts'
import {
  type ClaimObservation,
  type DetachObservation,
  planDetach,
  withDetach,
} from '../../../../src/operator/plan/detach-plan.ts'
import { planDetachOrder } from '../../../../src/operator/plan/orders.ts'
import type { DetachTry } from '../../../../src/operator/plan/record.ts'
import { volume } from '../../../builders/declarations.ts'
import { boot, nowAt } from '../../../builders/now.ts'
import { volumeRecord } from '../../../builders/records.ts'

const nowMs = 1_000_000
const stale = { policy: 'Stale', nodes: [] } as const
const never = { policy: 'Never', nodes: [] } as const
const here: ClaimObservation = { allocationID: 'a1', nodeID: 'n1', clientStatus: 'complete' }
const word = { nodeID: 'n1', allocations: ['a1'], atMs: 0 }

const howToConfirm = (nodeID: string, allocations: readonly string[]) =>
  `confirm ${nodeID} of ${allocations.join(',')}`

function plan(
  observation: Partial<DetachObservation>,
  detach: Parameters<typeof planDetach>[0] = stale,
  tries: Record<string, DetachTry> = {},
) {
  const whole = { claims: [], publishedNodes: [], nodes: undefined, orders: [], ...observation }
  return planDetach(detach, howToConfirm, whole, tries, nowAt(nowMs))
}

/** As people read it: what is done, or why it is not. */
function verdictOf(planned: ReturnType<typeof plan>): string {
  return planned.type === 'held' ? planned.verdict.reason : planned.type
}

/** `other` keeps the list from being empty, which proves nothing. */
const nodesOf = (status: string) =>
  new Map([['other', 'ready'], ...(status === 'gone' ? [] : [['n1', status] as const])])

const nodeStatuses = ['ready', 'gone', 'initializing', 'down', 'disconnected'] as const
const table = {
  complete: ['detach', 'detach', 'DetachNotProven', 'DetachNeedsWord', 'DetachNeedsWord'],
  failed: ['detach', 'detach', 'DetachNotProven', 'DetachNeedsWord', 'DetachNeedsWord'],
  '(gone)': ['detach', 'detach', 'DetachNotProven', 'DetachNeedsWord', 'DetachNeedsWord'],
  lost: ['DetachNeedsWord', 'DetachNeedsWord', 'DetachNeedsWord', 'DetachNeedsWord', 'DetachNeedsWord'],
  unknown: ['DetachNeedsWord', 'DetachNeedsWord', 'DetachNeedsWord', 'DetachNeedsWord', 'DetachNeedsWord'],
  running: ['none', 'none', 'none', 'none', 'none'],
  pending: ['none', 'none', 'none', 'none', 'none'],
  'something-new': ['none', 'none', 'none', 'none', 'none'],
}
const rows = Object.entries(table).flatMap(([client, verdicts]) =>
  nodeStatuses.map((node, index) => [client, node, verdicts[index] ?? ''] as const),
)

describe('planDetach', () => {
  it.each(rows)('of an allocation that is %s on a node that is %s: %s', (client, node, verdict) => {
    const claim = { ...here, clientStatus: client === '(gone)' ? undefined : client }
    const observed = { claims: [claim], nodes: nodesOf(node) }
    expect(verdictOf(plan(observed))).toBe(verdict)
    // The word of a person stands for every proof but that nothing lives.
    expect(verdictOf(plan({ ...observed, orders: [word] }, never))).toBe(
      verdict === 'none' ? 'none' : 'detach',
    )
    // Without a policy and without a word nothing is asked for.
    expect(verdictOf(plan(observed, never))).toBe('none')
    // Beside a living claim on the node nothing is detached, not by a word either.
    const beside = { ...here, allocationID: 'a2', clientStatus: 'running' }
    const word2 = { ...word, allocations: ['a1', 'a2'] }
    expect(verdictOf(plan({ ...observed, claims: [claim, beside], orders: [word2] }))).toBe('none')
    // A living one elsewhere is not touched, and holds up nothing here.
    const elsewhere = { ...beside, nodeID: 'other' }
    expect(verdictOf(plan({ ...observed, claims: [elsewhere, claim] }))).toBe(verdict)
  })

  it('waits rather than asks a person, as long as one claim of the node may prove itself', () => {
    const guessed = { ...here, allocationID: 'a2', clientStatus: 'lost' }
    expect(verdictOf(plan({ claims: [here, guessed], nodes: nodesOf('initializing') }))).toBe(
      'DetachNotProven',
    )
    expect(verdictOf(plan({ claims: [here, guessed], nodes: nodesOf('down') }))).toBe('DetachNeedsWord')
  })

  it.each([
    [
      'the node is ready, so its client may unmount it still',
      'ready',
      [here],
      { restLives: true, mayUnmountYet: true },
    ],
    ['the node is gone, so nobody does', 'gone', [here], { restLives: true, mayUnmountYet: false }],
    [
      'every claim elsewhere lives',
      'ready',
      [here, { ...here, allocationID: 'b', nodeID: 'other', clientStatus: 'running' }],
      { restLives: true },
    ],
    [
      'a claim elsewhere is dead',
      'ready',
      [here, { ...here, allocationID: 'b', nodeID: 'zz', clientStatus: 'lost' }],
      { restLives: false },
    ],
  ])('says for the step after it: %s', (_title, node, claims, expected) => {
    expect(plan({ claims, nodes: nodesOf(node) })).toMatchObject({
      type: 'detach',
      nodeID: 'n1',
      ...expected,
    })
  })

  it('says the proof in its reason', () => {
    expect(plan({ claims: [here], nodes: nodesOf('ready') })).toMatchObject({
      type: 'detach',
      nodeID: 'n1',
      claims: ['a1'],
      proof: 'allocation a1 is complete and node n1 is ready',
    })
    expect(
      plan({ claims: [{ ...here, clientStatus: 'lost' }], nodes: nodesOf('down'), orders: [word] }),
    ).toMatchObject({
      proof:
        "allocation a1 is lost, which Nomad's servers only guess; a person confirmed at 1970-01-01T00:00:00.000Z that the node is dead",
    })
  })

  it('says the command that gives the word', () => {
    const held = plan({ claims: [{ ...here, clientStatus: 'lost' }], nodes: nodesOf('down') })
    expect(held).toMatchObject({
      verdict: {
        state: 'stalled',
        message: expect.stringContaining('may still write. confirm n1 of a1'),
      },
    })
  })

  it.each([
    ['that nobody read', undefined],
    ['that are none at all', new Map<string, string>()],
  ])('takes nodes %s for no proof', (_what, nodes) => {
    expect(verdictOf(plan({ claims: [here], nodes }))).toBe('DetachNotProven')
  })

  it('takes an allocation that is gone from a place nobody saw for no work of its own', () => {
    const unplaced = { allocationID: 'a1', nodeID: undefined, clientStatus: undefined }
    expect(verdictOf(plan({ claims: [unplaced], nodes: nodesOf('ready') }))).toBe('DetachNodeUnknown')
    expect(verdictOf(plan({ claims: [unplaced], nodes: nodesOf('ready') }, never))).toBe('none')
  })

  describe('of a node in detach.nodes', () => {
    const listed = { policy: 'Never', nodes: ['n1'] } as const
    it.each([
      ['ready', 'detach'],
      ['gone', 'detach'],
      ['initializing', 'DetachNotProven'],
      ['down', 'DetachNeedsWord'],
      ['disconnected', 'DetachNeedsWord'],
    ])('that is %s, with an attachment that nothing claims: %s', (node, verdict) => {
      const observed = { publishedNodes: ['n1'], nodes: nodesOf(node) }
      expect(verdictOf(plan(observed, listed))).toBe(verdict)
      const orders = [{ ...word, allocations: [] }]
      expect(verdictOf(plan({ ...observed, orders }, listed))).toBe('detach')
    })

    it('leaves an attachment that something living claims', () => {
      const living = { ...here, clientStatus: 'running' }
      const observed = { claims: [living], publishedNodes: ['n1'], nodes: nodesOf('ready') }
      expect(verdictOf(plan(observed, listed))).toBe('none')
    })

    it('frees a claim there that is proven dead, and none elsewhere', () => {
      const observed = { nodes: nodesOf('ready') }
      expect(verdictOf(plan({ ...observed, claims: [here] }, listed))).toBe('detach')
      expect(verdictOf(plan({ ...observed, claims: [{ ...here, nodeID: 'other' }] }, listed))).toBe('none')
    })

    it('leaves attachments elsewhere alone, which may be about to be claimed', () => {
      expect(verdictOf(plan({ publishedNodes: ['other'], nodes: nodesOf('ready') }, listed))).toBe('none')
    })
  })

  describe('with the word of a person', () => {
    const lost = { ...here, clientStatus: 'lost' }
    it('forgets it once nothing is left there', () => {
      expect(plan({ orders: [word], nodes: nodesOf('down') })).toEqual({ type: 'forget-order', nodeID: 'n1' })
    })

    it('forgets it for a claim that came after it', () => {
      const later = { ...lost, allocationID: 'a9' }
      expect(verdictOf(plan({ claims: [later], orders: [word], nodes: nodesOf('down') }))).toBe(
        'forget-order',
      )
    })

    it('needs another one for what came after it beside what it was good for', () => {
      const later = { ...lost, allocationID: 'a9' }
      expect(verdictOf(plan({ claims: [lost, later], orders: [word], nodes: nodesOf('down') }))).toBe(
        'DetachNeedsWord',
      )
    })
  })

  describe('after a detach that did not help', () => {
    const observed = { claims: [here], nodes: nodesOf('ready') }
    it.each([
      [1, 29_999, 'DetachFailed'],
      [1, 30_000, 'detach'],
      [3, 119_999, 'DetachFailed'],
      [3, 120_000, 'detach'],
      [40, 599_999, 'DetachFailed'],
      [40, 600_000, 'detach'],
    ])('tried %i times, %i ms ago: %s', (times, agoMs, verdict) => {
      const tries = { n1: { times, last: { boot, monotonicMs: nowMs - agoMs }, outcome: 'no' } }
      expect(verdictOf(plan(observed, stale, tries))).toBe(verdict)
    })

    it('goes on with another node', () => {
      const tries = { n1: { times: 1, last: { boot, monotonicMs: nowMs }, outcome: 'no' } }
      const claims = [here, { ...here, allocationID: 'a2', nodeID: 'n2' }]
      expect(plan({ ...observed, claims }, stale, tries)).toMatchObject({ type: 'detach', nodeID: 'n2' })
    })
  })

  it('never detaches a node where an allocation may live, whatever else is the case', () => {
    const id = fc.constantFrom('a1', 'a2', 'a3')
    const node = fc.constantFrom('n1', 'n2')
    const status = fc.option(
      fc.constantFrom('complete', 'failed', 'lost', 'unknown', 'running', 'pending', ''),
      { nil: undefined },
    )
    const claim = fc.record({
      allocationID: id,
      nodeID: fc.option(node, { nil: undefined }),
      clientStatus: status,
    })
    const observation = fc.record({
      claims: fc.uniqueArray(claim, { selector: ({ allocationID }) => allocationID }),
      publishedNodes: fc.uniqueArray(node),
      nodes: fc.option(
        fc
          .array(fc.tuple(node, fc.constantFrom('ready', 'down', 'disconnected', 'initializing')))
          .map((pairs) => new Map([['other', 'ready'], ...pairs])),
        { nil: undefined },
      ),
      orders: fc.uniqueArray(
        fc.record({ nodeID: node, allocations: fc.uniqueArray(id), atMs: fc.constant(0) }),
        { selector: ({ nodeID }) => nodeID },
      ),
    })
    const detach = fc.record({
      policy: fc.constantFrom('Never' as const, 'Stale' as const),
      nodes: fc.uniqueArray(node),
    })
    fc.assert(
      fc.property(observation, detach, (observed, declared) => {
        const planned = planDetach(declared, howToConfirm, observed, {}, nowAt(nowMs))
        if (planned.type !== 'detach') return
        const { nodeID } = planned
        const order = observed.orders.find((each) => each.nodeID === nodeID)
        const nodeState = observed.nodes === undefined ? 'unread' : (observed.nodes.get(nodeID) ?? 'gone')
        for (const { allocationID, clientStatus } of observed.claims.filter(
          (each) => each.nodeID === nodeID,
        )) {
          const isCovered = order?.allocations.includes(allocationID) === true
          const isEnded = clientStatus === undefined || ['complete', 'failed'].includes(clientStatus)
          const isGuessed = clientStatus === 'lost' || clientStatus === 'unknown'
          expect(isEnded || isGuessed, 'a living claim').toBe(true)
          if (!isCovered) {
            expect(isEnded, 'a guess without a word').toBe(true)
            expect(['ready', 'gone']).toContain(nodeState)
          }
        }
      }),
      { numRuns: 5_000 },
    )
  })
})

describe('withDetach', () => {
  const detach = {
    type: 'detach',
    nodeID: 'n1',
    claims: ['a1'],
    restLives: true,
    proof: 'it is dead',
    mayUnmountYet: false,
  } as const
  const held = {
    type: 'held',
    verdict: { state: 'stalled', reason: 'DetachNeedsWord', message: 'say so' },
    againAfterMs: 30_000,
  } as const
  const expand = take('expand-volume', 'Expanding', 'growing')

  it('detaches before anything else, with the proof in the reason', () => {
    expect(withDetach(expand, detach, true)).toMatchObject({
      step: 'detach-node',
      verdict: { reason: 'Detaching', message: 'detaching node n1: it is dead' },
    })
  })

  it.each<[string, Decision, string | undefined, string, string]>([
    ['a step', expand, 'expand-volume', 'Expanding', 'growing'],
    ['what is as declared', ready('AsDeclared', 'as declared'), undefined, 'DetachNeedsWord', 'say so'],
    ['what waits', wait('InUse', 'in use', 90_000), undefined, 'InUse', 'in use; say so'],
  ])('lets a detach that cannot be done hold up nothing: %s', (_what, decision, step, reason, message) => {
    const combined = withDetach(decision, held, true)
    expect(combined.step).toBe(step)
    expect(combined.verdict).toMatchObject({ reason, message })
  })

  it('does nothing for what is suspended', () => {
    const suspended = { verdict: { state: 'suspended', reason: 'Suspended', message: '' } } as const
    expect(withDetach(suspended, detach, true)).toBe(suspended)
  })

  it('looks again at a volume in use, since no event tells that an allocation ended', () => {
    expect(withDetach(ready('AsDeclared', ''), { type: 'none' }, true).againAfterMs).toBe(60_000)
    expect(withDetach(ready('AsDeclared', ''), { type: 'none' }, false).againAfterMs).toBeUndefined()
  })
})

describe('planDetachOrder', () => {
  const record = volumeRecord(volume('data'), {
    status: {
      conditions: [],
      claimNodes: { a1: 'aa11', a2: 'aa22' },
      attachedNodes: ['aa11', 'aa22', 'bb'],
    },
  })

  it('is good for what holds the volume on the node now', () => {
    expect(planDetachOrder(record, 'aa1', 5)).toEqual({ nodeID: 'aa11', allocations: ['a1'], atMs: 5 })
    expect(planDetachOrder(record, 'bb', 5)).toEqual({ nodeID: 'bb', allocations: [], atMs: 5 })
  })

  it.each([
    [
      'a node that it is not known to be on',
      'cc',
      'it is not attached to node "cc", as far as Mooring knows: it is attached to aa11',
    ],
    ['the beginning of two nodes', 'aa', 'matches several nodes (aa11, aa22)'],
    ['no node', '', 'it is not attached to node ""'],
  ])('is refused for %s', (_what, node, message) => {
    expect(planDetachOrder(record, node, 5)).toContain(message)
  })

  it('confirms nothing of allocations that it does not name', () => {
    expect(planDetachOrder(record, 'aa11', 5, ['a1'])).toMatchObject({ allocations: ['a1'] })
    expect(planDetachOrder(record, 'bb', 5, [])).toMatchObject({ allocations: [] })
    for (const named of [[], ['earlier'], ['a1', 'earlier']])
      expect(planDetachOrder(record, 'aa11', 5, named)).toContain('write aa11@a1')
  })
})
