import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { PluginClient } from '../../../src/csi/plugin-client.ts'
import { readMountTable } from '../../../src/driver/mount-table.ts'
import { listPool, mountCapability, spawnDriver, temporaryDirectory } from '../../support/driver.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>

beforeEach(async () => {
  directory = await temporaryDirectory()
})
afterEach(async () => {
  // Where the test itself failed half way, a mount may be left.
  for (const { mountPoint } of readMountTable()) {
    if (mountPoint.startsWith(directory.path)) execFileSync('umount', [mountPoint])
  }
  await directory.remove()
})

const seed = 'source'
const mounted = 'mounted'
const staging = '/staging/of/nobody'
const staged = { volumeId: mounted, stagingTargetPath: staging, volumeCapability: mountCapability }
const target = () => join(directory.path, 'target')
const isEven = (round: number) => round % 2 === 0

/** The way of a volume to a workload in odd rounds, and back in even ones; the client keeps this order. */
const nodeCalls: ReadonlyArray<(client: PluginClient, round: number) => Promise<unknown>> = [
  (client, round) =>
    isEven(round)
      ? client.nodeUnpublishVolume({ volumeId: mounted, targetPath: target() })
      : client.controllerPublishVolume({ ...staged, nodeId: 'node-1' }),
  (client, round) => (isEven(round) ? client.nodeUnstageVolume(staged) : client.nodeStageVolume(staged)),
  (client, round) =>
    isEven(round)
      ? client.controllerUnpublishVolume({ volumeId: mounted })
      : client.nodePublishVolume({ ...staged, targetPath: target() }),
]

/** Every call that changes the pool, as its caller would replay it. */
const calls: ReadonlyArray<(client: PluginClient, round: number) => Promise<unknown>> = [
  (client, round) => client.createVolume({ name: `plain-${round}`, volumeCapabilities: [mountCapability] }),
  (client, round) =>
    client.createVolume({
      name: `restored-${round}`,
      volumeCapabilities: [mountCapability],
      volumeContentSource: { snapshot: { snapshotId: 'base' } },
    }),
  (client, round) =>
    client.createVolume({
      name: `cloned-${round}`,
      volumeCapabilities: [mountCapability],
      volumeContentSource: { volume: { volumeId: seed } },
    }),
  (client, round) => client.createSnapshot({ name: `snap-${round}`, sourceVolumeId: seed }),
  (client, round) =>
    client.controllerExpandVolume({
      volumeId: seed,
      capacityRange: { requiredBytes: 2n ** 30n + BigInt(round) },
    }),
  (client, round) => client.deleteVolume({ volumeId: `plain-${round - 1}` }),
  (client, round) => client.deleteSnapshot({ snapshotId: `snap-${round - 1}` }),
  ...nodeCalls,
]

/** The same call until it is answered; the driver answers ABORTED while the one before is at work. */
const replay = (call: () => Promise<unknown>) => vi.waitFor(call, { timeout: 10_000, interval: 10 })

test('killed inside any call and started again, a replay gives one of each and leaves nothing half made', async () => {
  const rounds = 8
  let driver = await spawnDriver(directory.path)
  await driver.client.createVolume({ name: seed, volumeCapabilities: [mountCapability] })
  await mkdir(join(driver.pool, 'volumes', seed, 'nested'))
  for (let file = 0; file < 50; file++) {
    await writeFile(join(driver.pool, 'volumes', seed, 'nested', `${file}`), `bytes ${file}`)
  }
  await driver.client.createVolume({ name: mounted, volumeCapabilities: [mountCapability] })
  await writeFile(join(driver.pool, 'volumes', mounted, 'file'), '')
  await driver.client.createSnapshot({ name: 'base', sourceVolumeId: seed })

  for (let round = 1; round <= rounds; round++) {
    const { client } = driver
    const answers = Promise.allSettled(calls.map((call) => call(client, round)))
    // The moment of death moves through the calls from round to round.
    await sleep(round * 4)
    await driver.kill()
    await answers

    driver = await spawnDriver(directory.path)
    for (const call of calls) await replay(() => call(driver.client, round))
    const entries = await readdir(isEven(round) ? directory.path : target())
    if (isEven(round)) expect(entries).not.toContain('target')
    else expect(entries).toEqual(['file'])
  }

  const expected = [
    seed,
    mounted,
    `plain-${rounds}`,
    ...Array.from({ length: rounds }, (_, index) => [`restored-${index + 1}`, `cloned-${index + 1}`]).flat(),
  ].sort()
  await vi.waitFor(async () => {
    expect(await listPool(driver.pool)).toEqual({
      volumes: expected,
      volumeSidecars: expected.map((id) => `.${id}.json`).sort(),
      snapshots: ['base', `snap-${rounds}`],
      snapshotSidecars: ['.base.json', `.snap-${rounds}.json`],
      staging: [],
    })
  })
  const { entries } = await driver.client.listVolumes({})
  expect(entries.map((entry) => entry.volume?.volumeId).sort()).toEqual(expected)
  for (const id of expected.filter((name) => name !== mounted && !name.startsWith('plain'))) {
    for (const file of ['0', '49']) {
      const copied = await readFile(join(driver.pool, 'volumes', id, 'nested', file), 'utf8')
      expect(copied).toBe(`bytes ${file}`)
    }
  }
  await driver.close()
})
