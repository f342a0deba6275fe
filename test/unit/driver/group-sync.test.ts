import { expect, test } from 'vitest'
import { createGroupSync } from '../../../src/driver/group-sync.ts'

/** A sync that ends when it is told to. */
function createDisk() {
  const running: { end: () => void; fail: () => void }[] = []
  const sync = () =>
    new Promise<void>((resolve, reject) => {
      running.push({ end: resolve, fail: () => reject(new Error('EIO')) })
    })
  return { running, group: createGroupSync(sync) }
}
const settled = async () => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

test('calls that come while a sync runs share the next one, which began after all of them', async () => {
  const { running, group } = createDisk()
  const first = group()
  const others = [group(), group(), group()]
  expect(running).toHaveLength(1)
  running[0]?.end()
  await first
  await settled()
  expect(running).toHaveLength(2)
  running[1]?.end()
  await Promise.all(others)
  expect(running).toHaveLength(2)
})

test('a sync that fails is told to those who waited for it, and the next one is another try', async () => {
  const { running, group } = createDisk()
  const first = group()
  const second = group()
  running[0]?.fail()
  await expect(first).rejects.toThrow('EIO')
  await settled()
  running[1]?.end()
  await second
  const third = group()
  running[2]?.end()
  await third
})
