import { describe, expect } from 'vitest'
import { clientOf } from '../contract/nomad/server.ts'
import { tryContract } from '../contract/nomad/try-rows.ts'
import type { NomadUnderTest } from '../contract/nomad/under-test.ts'
import { eventually } from '../helpers/eventually.ts'
import { claimingJob } from './life/cluster-files.ts'
import { patienceMs, pluginID, startRealAgent, whySkipped } from './real-agent.ts'

interface Stub {
  readonly ID: string
  readonly NodeID: string
  readonly ClientStatus: string
}

describe.skipIf(whySkipped !== '')(
  whySkipped === ''
    ? 'the contract at a real Nomad'
    : `the contract at a real Nomad (skipped: ${whySkipped})`,
  () => tryContract(startNomad),
)

/** A real agent with csi-driver-host-path; its claims are those of jobs that sleep. */
async function startNomad(): Promise<NomadUnderTest> {
  const agent = await startRealAgent()
  const { pluginIs, ...common } = await clientOf(agent.address, pluginID)
  const [node] = await agent.get<readonly { Name: string }[]>('/v1/nodes')
  const run = (job: object) => agent.nomad(['job', 'run', '-detach', '-json', '-'], JSON.stringify(job))
  const stop = (jobID: string) => agent.nomad(['job', 'stop', '-detach', jobID])
  return {
    ...common,
    pluginID,
    habits: {
      refusesEqualDefinitions: false,
      detachIsBroken: true,
      refusesDetachOfLiving: false,
      deletesBeforeItChecks: true,
      checksNamespaceFirst: false,
      validatesRegister: true,
      asksForNoID: true,
      guardsSharedVolumes: false,
    },
    async claim(volumeID) {
      const jobID = `claims-${volumeID}`
      await run(claimingJob(jobID, node?.Name ?? '', volumeID))
      const allocation = await eventually(async () => {
        const [found] = await agent.get<readonly Stub[]>(`/v1/job/${jobID}/allocations`)
        if (found?.ClientStatus !== 'running')
          throw new Error(`${jobID} does not run: ${JSON.stringify(found)}`)
        return found
      }, patienceMs)
      return {
        nodeID: allocation.NodeID,
        async end() {
          await stop(jobID)
          await eventually(async () => {
            const volume = await common.reads.volume('default', volumeID)
            expect(Object.keys(volume?.WriteAllocs ?? {})).toEqual([])
          }, patienceMs)
        },
      }
    },
    async takePluginAway() {
      const job = await agent.get<object>(`/v1/job/${pluginID}`)
      await stop(pluginID)
      await pluginIs(false)
      return async () => {
        await run({ Job: { ...job, Stop: false } })
        await pluginIs(true)
      }
    },
    async close() {
      await common.close()
      await agent.close()
    },
  }
}
