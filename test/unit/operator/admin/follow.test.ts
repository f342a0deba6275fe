import { describe, expect, it } from 'vitest'
import type { StatusReport } from '../../../../src/operator/admin/admin.ts'
import { followRestore, followWork } from '../../../../src/operator/admin/follow.ts'
import type { ManagedObject, ObjectStatus } from '../../../../src/operator/admin/managed-object.ts'
import type { Row } from '../../../../src/operator/admin/row.ts'
import { adjustableClock } from '../../../helpers/adjustable-clock.ts'

const key = 'Volume/default/data'

function row(state: Row['state']): Row {
  return {
    ...{ kind: 'Volume', name: 'default/data', pluginID: 'directories', externalID: '' },
    ...{ state, reason: state, message: '' },
  }
}

/** An operator whose status changes when the test says so. */
function operator(first: Row['state'] = 'Reconciling') {
  let report: StatusReport = { version: 1, rows: [row(first)] }
  let status: Partial<ObjectStatus> = {}
  const waiting: (() => void)[] = []
  const { promise: reconciled, resolve: settle, reject: fail } = Promise.withResolvers<void>()
  return {
    settle,
    fail,
    change(state: Row['state'], next: Partial<ObjectStatus> = {}) {
      report = { version: report.version + 1, rows: [row(state)] }
      status = next
      for (const resume of waiting.splice(0)) resume()
    },
    admin: {
      reconcile: () => reconciled,
      async status(after?: number) {
        if (after === report.version) await new Promise<void>((resolve) => waiting.push(resolve))
        return report
      },
      objects: async () => [
        {
          kind: 'Volume',
          status: { key, conditions: [], history: [], ...status },
        } as unknown as ManagedObject,
      ],
    },
  }
}

describe('followWork', () => {
  const shown = () => {
    const states: string[] = []
    return { states, show: ({ rows }: StatusReport) => void states.push(rows[0]?.state ?? '') }
  }

  it('ends when nothing is left to do at once', async () => {
    const { admin, settle } = operator()
    const { states, show } = shown()
    const work = followWork(admin, { wait: false, timeoutMs: 1000, clock: adjustableClock() }, show)
    settle()
    expect((await work).rows).toEqual([row('Reconciling')])
    expect(states.at(-1)).toBe('Reconciling')
  })

  it('waits until nothing is under way, where it is to wait', async () => {
    const { admin, settle, change } = operator()
    const { states, show } = shown()
    const work = followWork(admin, { wait: true, timeoutMs: 1000, clock: adjustableClock() }, show)
    settle()
    await new Promise(setImmediate)
    change('Stalled')
    expect((await work).rows).toEqual([row('Stalled')])
    expect(states.at(-1)).toBe('Stalled')
  })

  it('waits no longer than it may', async () => {
    const { admin, settle } = operator()
    const clock = adjustableClock()
    const work = followWork(admin, { wait: true, timeoutMs: 1000, clock }, () => {})
    settle()
    await new Promise(setImmediate)
    clock.advance(1000)
    expect((await work).rows).toEqual([row('Reconciling')])
  })

  it('tells of an operator that cannot look', async () => {
    const { admin, fail } = operator()
    const work = followWork(admin, { wait: true, timeoutMs: 1000, clock: adjustableClock() }, () => {})
    fail(new Error('the operator has ended'))
    await expect(work).rejects.toThrow('the operator has ended')
  })
})

describe('followRestore', () => {
  const lastRestore = (outcome: string, time: string) => ({ outcome, time, message: 'so it went' }) as never

  it.each([
    ['Restored', 'restored'],
    ['CalledOff', 'not restored'],
  ])('ends where the restore is %s', async (outcome, expected) => {
    const { admin, change } = operator()
    const lines: string[] = []
    const followed = followRestore(
      admin,
      { key, object: undefined },
      { timeoutMs: 1000, clock: adjustableClock() },
      (line) => void lines.push(line),
    )
    await new Promise(setImmediate)
    change('Ready', { lastRestore: lastRestore(outcome, 'now') })
    expect(await followed).toBe(expected)
    expect(lines).toEqual([`${outcome}: so it went`])
  })

  it('waits no longer than it may, and takes no earlier restore for this one', async () => {
    const { admin, change } = operator()
    const before = { status: { lastRestore: lastRestore('Restored', 'before') } } as unknown as ManagedObject
    change('Reconciling', { lastRestore: lastRestore('Restored', 'before') })
    const clock = adjustableClock()
    const followed = followRestore(admin, { key, object: before }, { timeoutMs: 1000, clock }, () => {})
    await new Promise(setImmediate)
    clock.advance(1000)
    expect(await followed).toBe('timed out')
  })
})
