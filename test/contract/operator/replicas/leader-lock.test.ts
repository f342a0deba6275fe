import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import type { NomadClient } from '../../../../src/nomad/client.ts'
import type { LeaderLock } from '../../../../src/operator/replicas/leader-lock.ts'
import { createVariableLock } from '../../../../src/operator/replicas/variable-lock.ts'
import { createFakeLockKeeper } from '../../../fakes/leader-lock.ts'
import { type NomadAgent, nomadBinary, startNomadAgent } from '../../../helpers/nomad-agent.ts'
import { connect, startNomadVariables } from '../../../helpers/nomad-variables.ts'

let agent: NomadAgent | undefined
beforeAll(async () => {
  if (nomadBinary === '') return undefined
  agent = await startNomadAgent()
  return agent.close
})

const leaseMs = 15_000

interface Subject {
  lockOf(identity: string): LeaderLock
  /** Lets this much time pass, where the test may say so. */
  readonly pass?: (ms: number) => void
}

function overVariables(client: NomadClient, path: string): Subject['lockOf'] {
  return (identity) =>
    createVariableLock(client, {
      address: { namespace: 'default', path },
      identity,
      lockID: randomUUID(),
      leaseMs,
    })
}

const implementations: readonly {
  readonly name: string
  readonly skip?: boolean
  readonly create: () => Promise<Subject>
}[] = [
  {
    name: 'the fake',
    async create() {
      let nowMs = 0
      const keeper = createFakeLockKeeper(leaseMs, () => nowMs)
      return {
        lockOf: keeper.lockOf,
        pass(ms) {
          nowMs += ms
        },
      }
    },
  },
  {
    name: "a Nomad Variable, by a double of Nomad's API",
    async create() {
      let nowMs = 1
      const { client } = await startNomadVariables(() => nowMs)
      return {
        lockOf: overVariables(client, 'mooring/test/leader'),
        pass(ms) {
          nowMs += ms
        },
      }
    },
  },
  {
    name:
      nomadBinary === ''
        ? 'a Nomad Variable of a real agent (skipped: NOMAD_BIN not set)'
        : 'a Nomad Variable of a real agent',
    skip: nomadBinary === '',
    create: async () => ({
      lockOf: overVariables(connect(agent?.address ?? ''), `mooring/${randomUUID()}/leader`),
    }),
  },
]

const { signal } = new AbortController()

describe.each(implementations)('a leader lock: $name', ({ create, skip = false }) => {
  test.skipIf(skip)('is one process’s at a time, which says who', async () => {
    const { lockOf } = await create()
    const [one, other] = [lockOf('one'), lockOf('other')]
    expect(one.holder()).toBeUndefined()
    expect(await one.acquire(signal)).toBe(true)
    expect(await other.acquire(signal)).toBe(false)
    expect(other.holder()).toBe('one')
    expect(one.holder()).toBe('one')
    expect(await one.renew(signal)).toBe(true)
    expect(await other.renew(signal)).toBe(false)
  })

  test.skipIf(skip)('is granted again to the process that has it, whose answer was lost', async () => {
    const { lockOf } = await create()
    const one = lockOf('one')
    expect(await one.acquire(signal)).toBe(true)
    expect(await one.acquire(signal)).toBe(true)
    expect(await one.renew(signal)).toBe(true)
  })

  test.skipIf(skip)('is free at once when it is released, and by nobody else', async () => {
    const { lockOf } = await create()
    const [one, other] = [lockOf('one'), lockOf('other')]
    await one.release()
    expect(await one.acquire(signal)).toBe(true)
    await other.release()
    expect(await other.acquire(signal)).toBe(false)
    await one.release()
    expect(await other.acquire(signal)).toBe(true)
    expect(await one.renew(signal)).toBe(false)
    await one.release()
    expect(await other.renew(signal)).toBe(true)
  })

  test.skipIf(skip)('lasts as long as it is promised for, and is lost some time after', async () => {
    const { lockOf, pass } = await create()
    // A real keeper takes its own time, which no test waits for.
    if (pass === undefined) return
    const [one, other] = [lockOf('one'), lockOf('other')]
    expect(await one.acquire(signal)).toBe(true)
    pass(leaseMs - 1)
    expect(await other.acquire(signal)).toBe(false)
    expect(await one.renew(signal)).toBe(true)
    pass(leaseMs - 1)
    expect(await other.acquire(signal)).toBe(false)
    pass(3 * leaseMs)
    expect(await other.acquire(signal)).toBe(true)
    expect(await one.renew(signal)).toBe(false)
    expect(await one.acquire(signal)).toBe(false)
  })
})
