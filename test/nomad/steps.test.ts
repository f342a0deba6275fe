import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PluginClient } from '../../src/csi/plugin-client.ts'
import { silentLog } from '../../src/lib/log.ts'
import { startServer } from '../../src/server/server.ts'
import { mountCapability, runDriver } from '../support/driver.ts'
import {
  externalNodeID,
  ownPluginID,
  patienceMs,
  pluginID,
  startRealAgent,
  whySkipped,
} from './real-agent.ts'
import { createStepOperator } from './step-operator.ts'
import { type StepTarget, stepRows } from './step-rows.ts'

/** The operator's whole table of steps, unchanged at every server of the Volumes API. */
const targets: readonly [name: string, whySkipped: string, start: () => Promise<StepTarget>][] = [
  ['mooring server', '', startOwn],
  ['a real Nomad', whySkipped, startNomad],
]

describe.each(targets)('at %s', (name, why, start) => {
  describe.skipIf(why !== '')(why === '' ? name : `skipped: ${why}`, { timeout: patienceMs }, () => {
    let target: StepTarget
    beforeAll(async () => {
      target = await start()
    }, patienceMs)
    afterAll(() => target?.close(), patienceMs)

    it.each(Object.entries(stepRows).map(([step, row]) => [step, row.case, row] as const))(
      '%s: %s',
      async (step, _case, row) => {
        const operator = await createStepOperator(target.address)
        try {
          await row.run(operator, `row-${step}`, target)
          expect(operator.steps).toEqual(row.steps)
          expect(operator.writes).toEqual(row.writes)
          if (row.unreached === undefined) expect(operator.steps).toContain(step)
          else expect(operator.steps).not.toContain(step)
        } finally {
          await operator.close()
        }
      },
    )
  })
})

async function startOwn(): Promise<StepTarget> {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-steps-'))
  const driver = await runDriver(directory)
  const server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    dataDirectory: join(directory, 'server'),
    plugins: [{ id: 'directories', endpoint: driver.endpoint }],
    log: silentLog,
  })
  return {
    address: server.url,
    pluginID: 'directories',
    publishingPluginID: 'directories',
    publish: (volumeID) => publish(driver.client, volumeID, 'node-1'),
    unpublish: (volumeID) => unpublish(driver.client, volumeID, 'node-1'),
    detachesUnclaimed: true,
    async close() {
      await server.close()
      await driver.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function startNomad(): Promise<StepTarget> {
  const agent = await startRealAgent({ ownPlugin: true })
  return {
    address: agent.address,
    pluginID,
    publishingPluginID: ownPluginID,
    publish: (volumeID) => agent.withOwnPlugin((plugin) => publish(plugin, volumeID, externalNodeID)),
    unpublish: (volumeID) => agent.withOwnPlugin((plugin) => unpublish(plugin, volumeID, externalNodeID)),
    detachesUnclaimed: false,
    close: agent.close,
  }
}

async function publish(plugin: PluginClient, volumeId: string, nodeId: string): Promise<void> {
  await plugin.controllerPublishVolume({ volumeId, nodeId, volumeCapability: mountCapability })
}

async function unpublish(plugin: PluginClient, volumeId: string, nodeId: string): Promise<void> {
  await plugin.controllerUnpublishVolume({ volumeId, nodeId })
}
