import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { AppliedObject, KubernetesApi } from '../../../src/kube/api.ts'
import { createEventWriter } from '../../../src/kube/event-writer.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { adjustableClock } from '../../helpers/adjustable-clock.ts'

let written: AppliedObject[]
let fails: boolean
let refused: number
const clock = adjustableClock()

const api = {
  async apply(_resource, object) {
    if (fails) {
      refused += 1
      throw new Error('no')
    }
    written.push(object)
    return { ...object, metadata: object.metadata }
  },
} as Pick<KubernetesApi, 'apply'> as KubernetesApi

const about = (name: string) => ({
  apiVersion: 'mooring.dev/v1alpha1',
  kind: 'Volume',
  metadata: { name, namespace: 'storage', uid: `uid-of-${name}` },
})
const note = (message: string) => ({ type: 'Normal' as const, reason: 'Done', message })

let writer: ReturnType<typeof createEventWriter>
beforeEach(() => {
  written = []
  fails = false
  refused = 0
  writer = createEventWriter({ api, instance: 'replica-0', clock, log: silentLog })
})
afterEach(() => writer.close())

/** What was recorded is written: so many events in all. */
const untilWritten = (count: number) =>
  vi.waitFor(() => {
    clock.advance(100)
    expect(written).toHaveLength(count)
  })

it('gathers repetitions, and counts the same event up within ten minutes', async () => {
  for (let index = 0; index < 5; index += 1) writer.record(about('data'), note('again'))
  await untilWritten(1)
  expect(written).toMatchObject([{ count: 5, reportingInstance: 'replica-0', message: 'again' }])
  clock.advance(500_000)
  writer.record(about('data'), note('again'))
  await untilWritten(2)
  expect(written[1]).toMatchObject({ count: 6, metadata: { name: written[0]?.metadata.name } })
  expect(written[1]?.firstTimestamp).toBe(written[0]?.firstTimestamp)
  clock.advance(600_000)
  writer.record(about('data'), note('again'))
  await untilWritten(3)
  expect(written[2]).toMatchObject({ count: 1 })
  expect(written[2]?.metadata.name).not.toBe(written[0]?.metadata.name)
})

it('writes so many about one object and no more, and others are not held up by it', async () => {
  for (let index = 0; index < 60; index += 1) writer.record(about('loud'), note(`message ${index}`))
  writer.record(about('quiet'), note('one'))
  await writer.close()
  const names = written.map(({ involvedObject }) => (involvedObject as { name: string }).name)
  expect(names.filter((name) => name === 'loud')).toHaveLength(25)
  expect(names.filter((name) => name === 'quiet')).toHaveLength(1)
})

it('fails nobody, and writes again when it can', async () => {
  fails = true
  writer.record(about('data'), note('lost'))
  await vi.waitFor(() => {
    clock.advance(100)
    expect(refused).toBe(1)
  })
  fails = false
  writer.record(about('data'), note('kept'))
  await writer.close()
  expect(written).toMatchObject([{ message: 'kept' }])
  writer.record(about('data'), note('late'))
  expect(written).toHaveLength(1)
})

it('keeps names and messages within their limits', async () => {
  writer.record(about(`${'x'.repeat(229)}.${'y'.repeat(20)}`), note('z'.repeat(5000)))
  await writer.close()
  expect(written[0]?.metadata.name).toMatch(/^x{229}\.[0-9a-f]{16}$/)
  expect(written[0]?.message).toHaveLength(1024)
})

it('writes several at once, and ends within seconds though the API server answers nothing', async () => {
  const signals: (AbortSignal | undefined)[] = []
  const hung = createEventWriter({
    api: {
      apply: (_resource, _object, _options, signal) =>
        new Promise((_resolve, reject) => {
          signals.push(signal)
          signal?.addEventListener('abort', () => reject(new Error('interrupted')))
        }),
    } as Pick<KubernetesApi, 'apply'> as KubernetesApi,
    instance: 'replica-0',
    clock,
    log: silentLog,
  })
  for (let index = 0; index < 20; index += 1) hung.record(about(`volume-${index}`), note('one'))
  const closed = vi.fn()
  void hung.close().then(closed)
  await vi.waitFor(() => expect(signals.length).toBeGreaterThan(1))
  expect(closed).not.toHaveBeenCalled()
  clock.advance(5000)
  await vi.waitFor(() => expect(closed).toHaveBeenCalled())
})
