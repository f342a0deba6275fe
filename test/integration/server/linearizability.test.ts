import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { pluginID, volumeBody } from '../../fakes/api-server.ts'
import { startFakePlugin } from '../../fakes/csi-plugin.ts'
import { startMooring } from '../../helpers/mooring-process.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { findViolation, type Operation } from '../../linearizability/find-violation.ts'
import { type VolumeInput, type VolumeOutput, volumeModel } from '../../linearizability/volume-model.ts'

/** How often the server is killed. Longer by hand: MOORING_KILLS=50. */
const kills = Number(process.env.MOORING_KILLS ?? 1)
const clients = 6
const volumes = ['one', 'two']
/** Operations of all clients between two kills. */
const operationsEach = 120

interface Recorded extends Operation<VolumeInput, VolumeOutput> {
  readonly volume: string
  /** X-Nomad-Index of a read, and the one that it waited beyond. */
  readonly index?: number
  readonly waitedFor?: number
}

describe('a server that is killed under concurrent clients', () => {
  it('answers as one volume would that does one thing at a time', {
    timeout: 60_000 + kills * 20_000,
  }, async () => {
    const plugin = await startFakePlugin()
    onTestFinished(() => plugin.dispose())
    for (const id of volumes) plugin.volumes.set(id, { id, name: id, capacityBytes: 1n })
    // What is deleted can be registered again: of interest is the record.
    plugin.volumes.delete = () => true
    const directory = temporaryDirectory()
    const mounts = join(directory, 'mounts')
    const history: Recorded[] = []
    const random = createRandom(Number(process.env.MOORING_SEED ?? Date.now()))
    let turn = 0

    const start = async () => {
      const server = startMooring([
        'server',
        ...['--http', '127.0.0.1:0'],
        ...['--data-dir', join(directory, 'data')],
        ...['--mount-root', mounts],
        ...['--plugin', `${pluginID}=${plugin.endpoint}`],
      ])
      const { url } = await server.logged(({ msg }) => msg === 'server listens', 'the server to listen')
      return { server, url: String(url) }
    }

    async function send(url: string, volume: string, input: VolumeInput): Promise<Partial<Recorded>> {
      const path = `${url}/v1/volume/csi/${volume}`
      const call = async (where: string, method: string, body?: object) => {
        const response = await fetch(where, { method, ...(body && { body: JSON.stringify(body) }) })
        const text = await response.text()
        return { status: response.status, text, index: Number(response.headers.get('x-nomad-index')) }
      }
      if (input.type === 'read') {
        const last = history.findLast((one) => one.volume === volume && one.index !== undefined)?.index
        const waits = last !== undefined && random() < 0.5
        const { status, text, index } = await call(waits ? `${path}?index=${last}&wait=40ms` : path, 'GET')
        if (status === 404) return { output: { status }, index, ...(waits && { waitedFor: last }) }
        const { Context, WriteAllocs } = JSON.parse(text)
        const [claim, ...more] = Object.keys(WriteAllocs)
        expect(more).toEqual([])
        return {
          output: { status, seen: { value: Context.value, claim } },
          index,
          ...(waits && { waitedFor: last }),
        }
      }
      if (input.type === 'claim') {
        const TargetPath = join(mounts, `${turn++}`)
        const { status, text } = await call(`${path}/claim`, 'PUT', { TargetPath })
        return { output: { status, ...(status === 200 && { claim: JSON.parse(text).ID }) } }
      }
      const [where, method, body] =
        input.type === 'register'
          ? [path, 'PUT', volumeBody(volume, { ExternalID: volume, Context: { value: input.value } })]
          : input.type === 'release'
            ? [`${path}/claim/${input.claim}`, 'DELETE']
            : [input.type === 'delete' ? `${path}/delete` : path, 'DELETE']
      const { status } = await call(where, method, body)
      return { output: { status } }
    }

    /** Claims that this client was granted, by volume. */
    function choose(held: Map<string, string>, volume: string): VolumeInput {
      const claim = held.get(volume)
      const at = random()
      if (claim !== undefined && at < 0.4) return { type: 'release', claim }
      if (at < 0.45) return { type: 'read' }
      if (at < 0.7) return { type: 'register', value: `value ${turn++}` }
      if (at < 0.85) return { type: 'claim' }
      return { type: at < 0.93 ? 'deregister' : 'delete' }
    }

    async function client(url: string, until: number, isDown: () => boolean) {
      const held = new Map<string, string>()
      while (history.length < until || isDown()) {
        const volume = volumes[Math.floor(random() * volumes.length)] ?? ''
        const input = choose(held, volume)
        const calledAt = performance.now()
        try {
          const answer = await send(url, volume, input)
          const claim = answer.output?.claim
          if (claim !== undefined) held.set(volume, claim)
          if (input.type === 'release') held.delete(volume)
          history.push({
            volume,
            input,
            output: undefined,
            ...answer,
            calledAt,
            returnedAt: performance.now(),
          })
        } catch (error) {
          if (!(error instanceof TypeError)) throw error
          // The connection was cut: whether it was done, nobody knows. A read that nobody saw says nothing.
          const lost = { volume, input, output: undefined, calledAt, returnedAt: Number.POSITIVE_INFINITY }
          if (input.type !== 'read') history.push(lost)
          return
        }
      }
    }

    let { server, url } = await start()
    for (let kill = 0; kill <= kills; kill++) {
      const until = history.length + operationsEach
      let isDown = false
      const working = Promise.all(
        Array.from({ length: clients }, () => client(url, until, () => kill < kills && !isDown)),
      )
      if (kill < kills) {
        await expect.poll(() => history.length, { interval: 1, timeout: 30_000 }).toBeGreaterThan(until)
        const calledAt = performance.now()
        server.signal('SIGKILL')
        await server.exited()
        isDown = true
        await working
        ;({ server, url } = await start())
        const restart = { input: { type: 'restart' }, output: { status: 200 } } as const
        for (const volume of volumes)
          history.push({ volume, ...restart, calledAt, returnedAt: performance.now() })
      } else {
        await working
      }
    }

    for (const volume of volumes) {
      const violation = findViolation(
        volumeModel,
        history.filter((operation) => operation.volume === volume),
      )
      expect(
        violation && { volume, stuckAt: violation.stuckAt, before: violation.explained.slice(-8) },
      ).toBeUndefined()
    }
    expect(fallsBack(history)).toEqual([])
    const waits = history.filter(({ waitedFor }) => waitedFor !== undefined)
    for (const { index = 0, waitedFor = 0 } of waits) expect(index).toBeGreaterThanOrEqual(waitedFor)
    // The history has something of everything.
    const seen = new Set(history.map(({ input, output }) => `${input.type} ${output?.status}`))
    for (const one of ['register 200', 'read 200', 'claim 200', 'release 200', 'restart 200']) {
      expect([...seen], [...seen].sort().join(', ')).toContain(one)
    }
  })
})

/** Reads that began after another had ended, and had an older index. */
function fallsBack(history: readonly Recorded[]): unknown[] {
  const reads = history.filter(({ index }) => index !== undefined)
  return reads.filter(({ calledAt, index = 0 }) =>
    reads.some((earlier) => earlier.returnedAt < calledAt && (earlier.index ?? 0) > index),
  )
}

/** The same numbers for the same seed (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
