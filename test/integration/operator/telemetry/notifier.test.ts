import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Compile } from 'typebox/compile'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import { silentLog } from '../../../../src/lib/log.ts'
import {
  createNotifier,
  type Notifier,
  type NotifierOptions,
} from '../../../../src/operator/telemetry/notifier.ts'
import type { Happening } from '../../../../src/operator/telemetry/watch-notable.ts'
import { type Answer, type FakeServer, startHttpServer } from '../../../fakes/http-server.ts'

const stalled: Happening = {
  event: 'Stalled',
  object: { kind: 'Volume', namespace: 'default', name: 'data' },
  reason: 'Vanished',
  message: 'it is gone',
}

let receiver: FakeServer
let answers: (Answer | 'hang')[]
let outcomes: string[]
let notifier: Notifier

beforeEach(async () => {
  // Only what the notifier waits by; sockets keep their own time.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'hrtime'] })
  answers = []
  outcomes = []
  receiver = await startHttpServer(() => {
    const answer = answers.shift() ?? { status: 204 }
    return answer === 'hang' ? undefined : answer
  })
})

afterEach(async () => {
  await notifier.close()
  await receiver.close()
  vi.useRealTimers()
})

function open({ secret, ...options }: Partial<NotifierOptions> = { secret: 'shared' }): Notifier {
  let number = 0
  notifier = createNotifier({
    url: `${receiver.address}/hook`,
    ...(secret === undefined ? {} : { secret }),
    version: '1.2.3',
    clock: systemClock,
    random: () => 0,
    newID: () => `id-${++number}`,
    log: silentLog,
    onOutcome: (outcome) => outcomes.push(outcome),
    ...options,
  })
  return notifier
}

/** Lets real sockets work and fake time pass until it is so. */
async function until(isSo: () => boolean, stepMs = 0) {
  while (!isSo()) {
    await new Promise((resolve) => setImmediate(resolve))
    await vi.advanceTimersByTimeAsync(stepMs)
  }
}

describe('a notification', () => {
  it('is JSON by its schema, signed as GitHub signs', async () => {
    open().tell(stalled)
    await until(() => outcomes.length === 1)
    expect(outcomes).toEqual(['delivered'])
    const [request] = receiver.requests
    expect(request).toMatchObject({
      method: 'POST',
      path: '/hook',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'mooring/1.2.3',
        'x-mooring-event': 'Stalled',
        'x-mooring-delivery': 'id-1',
        'x-hub-signature-256': `sha256=${createHmac('sha256', 'shared')
          .update(request?.body ?? '')
          .digest('hex')}`,
      },
    })
    const payload = JSON.parse(request?.body ?? '')
    expect(payload).toMatchObject({ ...stalled, kind: 'Notification', id: 'id-1' })
    const { $schema: _, ...schema } = JSON.parse(readFileSync('manifests/schemas/notification.json', 'utf8'))
    expect(Compile(schema).Errors(payload)).toEqual([])
  })

  it('has no signature where no secret is given', async () => {
    open({}).tell(stalled)
    await until(() => outcomes.length === 1)
    expect(receiver.requests[0]?.headers).not.toHaveProperty('x-hub-signature-256')
  })

  it('is sent again, the same, until the receiver takes it, and the next one waits its turn', async () => {
    answers = [{ status: 500 }, { status: 429 }, { status: 200 }]
    open().tell(stalled)
    notifier.tell({ ...stalled, reason: 'Drifted' })
    await until(() => outcomes.length === 2, 100)
    expect(outcomes).toEqual(['delivered', 'delivered'])
    const ids = receiver.requests.map(({ body }) => JSON.parse(body).id)
    expect(ids).toEqual(['id-1', 'id-1', 'id-1', 'id-2'])
    expect(new Set(receiver.requests.slice(0, 3).map(({ body }) => body)).size).toBe(1)
  })

  it('is sent again where no answer comes', async () => {
    answers = ['hang', { status: 200 }]
    open().tell(stalled)
    await until(() => receiver.requests.length === 1)
    await until(() => outcomes.length === 1, 1000)
    expect(outcomes).toEqual(['delivered'])
    expect(receiver.requests).toHaveLength(2)
  })

  it.each([400, 401, 404, 302])('is given up where the receiver answers %i', async (status) => {
    answers = [{ status, headers: { location: `${receiver.address}/elsewhere` } }]
    open().tell(stalled)
    await until(() => outcomes.length === 1)
    expect(outcomes).toEqual(['failed'])
    expect(receiver.requests).toHaveLength(1)
  })

  it('is given up after an hour', async () => {
    open({ url: 'http://127.0.0.1:1/' }).tell(stalled)
    await until(() => outcomes.length === 1, 30_000)
    expect(outcomes).toEqual(['failed'])
  })
})

it('keeps no more than a thousand, and drops the oldest of those that wait', async () => {
  answers = ['hang']
  open()
  for (let index = 0; index <= 1001; index++) notifier.tell({ ...stalled, reason: `Reason${index}` })
  expect(outcomes).toEqual(['dropped', 'dropped'])
  await until(() => receiver.requests.length === 1)
  expect(JSON.parse(receiver.requests[0]?.body ?? '').reason).toBe('Reason0')
  await until(() => receiver.requests.length === 3, 1000)
  expect(JSON.parse(receiver.requests[2]?.body ?? '').reason).toBe('Reason3')
})
