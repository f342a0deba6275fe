import { expect, it, onTestFinished, vi } from 'vitest'
import { silentLog } from '../../../src/lib/log.ts'
import type { NomadObserver, ObservedChange } from '../../../src/nomad/observer.ts'
import { type ControlLoopOptions, startControlLoop } from '../../../src/operator/control-loop.ts'
import type { VolumeDeclaration } from '../../../src/operator/declare/declaration.ts'
import { createMemoryInventory, emptyContents } from '../../../src/operator/inventory/memory-inventory.ts'
import { beginRecord } from '../../../src/operator/plan/ports.ts'
import type { Source } from '../../../src/operator/sources/source.ts'
import { volume } from '../../builders/declarations.ts'
import { evidence } from '../../builders/evidence.ts'
import { volumeRecord } from '../../builders/records.ts'
import { adjustableClock } from '../../helpers/adjustable-clock.ts'

/** A loop whose passes do nothing, over volumes that were all looked at before. */
async function startLoop(volumes: readonly VolumeDeclaration[]) {
  const clock = adjustableClock()
  const inventory = createMemoryInventory(emptyContents, (text) => text)
  for (const declaration of volumes) await beginRecord(inventory, volumeRecord(declaration))
  let declarations = volumes
  const source: Source = {
    name: 'declarations',
    read: async () => ({
      ...{ declarations, problems: [], warnings: [], skipped: 0 },
      evidence: evidence(declarations, { monotonicMs: clock.monotonicMs() }),
      readAtMs: clock.now(),
    }),
    onChange: () => () => {},
    close: async () => {},
  }
  let tell = (_change: ObservedChange) => {}
  const observer = {
    onChange(listener: typeof tell) {
      tell = listener
      return () => {}
    },
    close: async () => {},
  }
  const passes: string[] = []
  const loop = startControlLoop({
    sources: [source],
    observer: observer as unknown as NomadObserver, // What only passes use is not asked.
    ...({} as Pick<ControlLoopOptions, 'api' | 'plugins'>),
    secrets: { resolve: async () => ({}) },
    inventory,
    clock,
    random: () => 0,
    log: silentLog,
    region: 'global',
    callsEndedBeforeMs: 0,
    prune: { prune: true, pruneDelayMs: 0, allowEmpty: false },
    rescanMs: 1e9,
    resyncMs: 1e9,
    onStatus() {},
    async aroundPass({ key }, run) {
      passes.push(key)
      type Result = Awaited<ReturnType<typeof run>>
      return { type: 'done' } as Result
    },
    aroundStep: (_subject, run) => run(),
  })
  onTestFinished(() => loop.close(0))
  const looked = async () => {
    await loop.settle()
    return passes.splice(0)
  }
  return {
    tell: (change: ObservedChange) => tell(change),
    passes,
    looked,
    /** Reads the source with these declarations, some time later. */
    async declare(next: readonly VolumeDeclaration[]) {
      declarations = next
      clock.advance(1000)
      return looked()
    },
    /** From now on a look at all records fails. */
    forbidLists() {
      vi.spyOn(inventory, 'list').mockImplementation(() => {
        throw new Error('somebody looks at all records')
      })
    },
  }
}

const of = (name: string, pluginID: string) => volume(name, { pluginID })

it('a plugin that changes wakes its own volumes, and nobody looks at all records to find them', async () => {
  const loop = await startLoop([of('a', 'one'), of('b', 'two'), of('c', 'one')])
  await loop.looked()
  loop.forbidLists()
  loop.tell({ type: 'plugin', pluginID: 'one' })
  await vi.waitFor(() => expect(loop.passes.toSorted()).toEqual(['Volume/default/a', 'Volume/default/c']))
})

it('a plugin that changes wakes what is ending too, and no longer what was declared again', async () => {
  const [a, b] = [of('a', 'one'), of('b', 'one')]
  const loop = await startLoop([a, b])
  await loop.looked()
  await loop.declare([a])
  await loop.declare([a])
  loop.tell({ type: 'plugin', pluginID: 'other' })
  await vi.waitFor(() => expect(loop.passes.splice(0)).toEqual(['Volume/default/b']))

  await loop.declare([a, b])
  loop.tell({ type: 'plugin', pluginID: 'other' })
  loop.tell({ type: 'volume', namespace: 'default', volumeID: 'a' })
  await vi.waitFor(() => expect(loop.passes).toEqual(['Volume/default/a']))
})
