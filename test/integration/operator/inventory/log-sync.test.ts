import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createLogSync } from '../../../../src/operator/inventory/log-sync.ts'
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts'

function syncOf(path: string) {
  const log = createLogSync(path)
  onTestFinished(log.close)
  return log
}

it('a sync resolves for all who ask for it, while another is under way too', async () => {
  const path = join(temporaryDirectory(), 'log')
  writeFileSync(path, 'frames')
  const log = syncOf(path)
  await expect(Promise.all([log.sync(), log.sync(), log.sync()])).resolves.toHaveLength(3)
  await expect(log.sync()).resolves.toBeUndefined()
})

it('a log that cannot be synced is told to all who ask, and the next sync tries again', async () => {
  const path = join(temporaryDirectory(), 'log')
  const log = syncOf(path)
  const outcomes = await Promise.allSettled([log.sync(), log.sync()])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  writeFileSync(path, 'frames')
  await expect(log.sync()).resolves.toBeUndefined()
})

it('after its database was closed there is nothing left to sync', async () => {
  const path = join(temporaryDirectory(), 'log')
  writeFileSync(path, 'frames')
  const log = syncOf(path)
  const underWay = log.sync()
  log.close()
  await underWay
  rmSync(path)
  await expect(log.sync()).resolves.toBeUndefined()
})
