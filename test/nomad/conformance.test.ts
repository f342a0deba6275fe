import { describe } from 'vitest'
import { startTarget } from '../conformance/target.ts'
import { tryRows } from '../conformance/try-rows.ts'
import { patienceMs, startRealAgent, whySkipped } from './real-agent.ts'

describe.skipIf(whySkipped !== '')(
  whySkipped === ''
    ? 'the conformance rows at a real Nomad, over mutual TLS and with ACLs'
    : `the conformance rows at a real Nomad (skipped: ${whySkipped})`,
  { timeout: patienceMs },
  () => {
    tryRows(async () => {
      const agent = await startRealAgent({ acl: true, mutualTls: true })
      const target = await startTarget({ ...agent.environment, MOORING_CONFORMANCE_ADDR: agent.address })
      return {
        ...target,
        async close() {
          await target.close()
          await agent.close()
        },
      }
    }, patienceMs)
  },
)
