import { mkdir, open, rename, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { PluginClient } from '../src/csi/plugin-client.ts'

const capability = { mount: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } } as const

/** A request for a volume of 1 MiB. */
export const volumes = (name: string, more: object = {}) => ({
  name,
  volumeCapabilities: [capability],
  capacityRange: { requiredBytes: 2n ** 20n },
  ...more,
})

/** How many calls are under way at once where several are. */
const atOnce = 16

/**
 * Creates and deletes, beside the bare operations on the same disk that they cannot do without, and beside a call that does
 * nothing. They take turns, one by one or in small batches, so that what else the machine does hits all alike.
 * @param count how many volumes there are when calls are measured one by one
 */
export async function measureCalls(client: PluginClient, directory: string, count: number) {
  const floor = await createFloor(directory)
  const names = Array.from({ length: count }, (_, index) => `small-${index}`)
  const create = (name: string) => client.createVolume(volumes(name))
  const remove = (volumeId: string) => client.deleteVolume({ volumeId })
  const together = { floorMs: 0, createMs: 0, deleteFloorMs: 0, deleteMs: 0 }
  const alone = {
    callMs: [] as number[],
    floorMs: [] as number[],
    createMs: [] as number[],
    deleteFloorMs: [] as number[],
    deleteMs: [] as number[],
  }
  for (const batch of batches(names)) {
    together.floorMs += await timed(() => inParallel(batch, floor.create))
    together.createMs += await timed(() => inParallel(batch, create))
  }
  const more = names.slice(0, Math.ceil(count / 4)).map((name) => `more-${name}`)
  for (const [index, name] of more.entries()) {
    alone.callMs.push(await timed(() => client.probe({})))
    await inTurn(index, [
      async () => alone.floorMs.push(await timed(() => floor.create(name))),
      async () => alone.createMs.push(await timed(() => create(name))),
    ])
  }
  for (const [index, name] of more.entries()) {
    await inTurn(index, [
      async () => alone.deleteFloorMs.push(await timed(() => floor.remove(name))),
      async () => alone.deleteMs.push(await timed(() => remove(name))),
    ])
  }
  const listMs: number[] = []
  for (let round = 0; round < 50; round++) listMs.push(await timed(() => client.listAllVolumes({})))
  for (const batch of batches(names)) {
    together.deleteFloorMs += await timed(() => inParallel(batch, floor.remove))
    together.deleteMs += await timed(() => inParallel(batch, remove))
  }
  const rate = (ms: number) => Math.round((count * 1000) / ms)
  const p50 = (values: readonly number[]) => quantile(values, 0.5)
  const spread = (values: readonly number[]) => ({ p50: p50(values), p99: quantile(values, 0.99) })
  const callMs = p50(alone.callMs)
  /** With the call that carries it, and the part that is the driver's own. */
  const toFloor = (values: readonly number[], floors: readonly number[]) => ({
    all: round(p50(values) / p50(floors)),
    withoutTheCall: round((p50(values) - callMs) / p50(floors)),
  })
  return {
    volumes: count,
    emptyCallMs: spread(alone.callMs),
    createMs: spread(alone.createMs),
    createFloorMs: spread(alone.floorMs),
    createToFloor: toFloor(alone.createMs, alone.floorMs),
    deleteMs: spread(alone.deleteMs),
    deleteFloorMs: spread(alone.deleteFloorMs),
    deleteToFloor: toFloor(alone.deleteMs, alone.deleteFloorMs),
    sixteenAtOnce: {
      createsPerSecond: rate(together.createMs),
      createFloorsPerSecond: rate(together.floorMs),
      createToFloor: round(together.createMs / together.floorMs),
      deletesPerSecond: rate(together.deleteMs),
      deleteFloorsPerSecond: rate(together.deleteFloorMs),
      deleteToFloor: round(together.deleteMs / together.deleteFloorMs),
    },
    listAllMs: spread(listMs),
  }
}

/** A directory that comes and goes so that a power cut leaves it whole or not at all. */
async function createFloor(directory: string) {
  const [staging, place] = [join(directory, 'floor-staging'), join(directory, 'floor')]
  await mkdir(staging)
  await mkdir(place)
  const sync = async (path: string) => {
    const file = await open(path)
    await file.sync()
    await file.close()
  }
  return {
    async create(name: string) {
      await mkdir(join(staging, name))
      await sync(join(staging, name))
      await rename(join(staging, name), join(place, name))
      await sync(place)
    },
    async remove(name: string) {
      await rename(join(place, name), join(staging, name))
      await sync(place)
      await rmdir(join(staging, name))
    },
  }
}

function batches(names: readonly string[]): string[][] {
  const size = 8 * atOnce
  return Array.from({ length: Math.ceil(names.length / size) }, (_, at) =>
    names.slice(at * size, (at + 1) * size),
  )
}

/** What one leaves for the disk to do, the next one may have to wait for: each of the two goes first in turn. */
async function inTurn(turn: number, work: [() => Promise<unknown>, () => Promise<unknown>]): Promise<void> {
  for (const part of turn % 2 === 0 ? work : work.reverse()) await part()
}

async function inParallel(names: readonly string[], work: (name: string) => Promise<unknown>): Promise<void> {
  const waiting = [...names]
  const worker = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await work(name)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

const round = (value: number) => Math.round(value * 100) / 100

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  await work()
  return Math.round((performance.now() - startedMs) * 100) / 100
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
