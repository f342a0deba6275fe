import { describe, expect, it } from 'vitest'
import { createGroupSync } from '../../../src/server/state/group-sync.ts'

/** A disk whose syncs end when the test says. */
function createDisk() {
  const syncs: PromiseWithResolvers<void>[] = []
  const group = createGroupSync(() => {
    const sync = Promise.withResolvers<void>()
    syncs.push(sync)
    return sync.promise
  })
  return { ...group, syncs }
}

const isOver = async (promise: Promise<void> | undefined) =>
  await Promise.race([
    promise?.then(() => true) ?? true,
    new Promise((resolve) => setImmediate(resolve, false)),
  ])

describe('writes that wait for the disk', () => {
  it('wait for nothing where nothing was written', () => {
    expect(createDisk().settled()).toBeUndefined()
  })

  it('of before a sync are served by it; all of those that come during it are served by the next one', async () => {
    const disk = createDisk()
    disk.noteWrite()
    const first = disk.settled()
    disk.noteWrite()
    const second = disk.settled()
    disk.noteWrite()
    const third = disk.settled()
    expect(disk.syncs).toHaveLength(1)
    disk.syncs[0]?.resolve()
    await first
    expect(await isOver(second)).toBe(false)
    expect(disk.syncs).toHaveLength(2)
    disk.syncs[1]?.resolve()
    await Promise.all([second, third])
    expect(disk.syncs).toHaveLength(2)
    expect(disk.settled()).toBeUndefined()
  })

  it('that the disk does not take fail, no other is taken, and reads go on', async () => {
    const disk = createDisk()
    disk.noteWrite()
    const waiting = Promise.allSettled([disk.settled(), disk.settled()])
    disk.syncs[0]?.reject(new Error('EIO'))
    for (const outcome of await waiting) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { message: expect.stringContaining('the disk') },
      })
    }
    expect(() => disk.noteWrite()).toThrow('takes no writes')
    expect(disk.settled()).toBeUndefined()
    expect(disk.syncs).toHaveLength(1)
  })

  it('are never what a change rests on, once the disk failed', async () => {
    const disk = createDisk()
    expect(disk.durable()).toBeUndefined()
    disk.noteWrite()
    const waiting = disk.durable()
    disk.syncs[0]?.reject(new Error('EIO'))
    await expect(waiting).rejects.toThrow('the disk')
    await expect(disk.durable()).rejects.toThrow('the disk')
  })
})
