import type { Cluster } from './cluster.ts'
import type { Gate } from './gate.ts'

/** What happens while steps are under way. */
export interface Disturbance {
  readonly title: string
  /** Part of the IDs of what it meets. */
  readonly slug: string
  /** Lets the requests go that the gates hold, and meets them before the plugin has answered. */
  readonly strike: (agent: Cluster, gates: readonly Gate[]) => Promise<void>
}

export const disturbances: readonly Disturbance[] = [
  {
    title: 'with nothing in between',
    slug: 'calm',
    async strike(_, gates) {
      for (const gate of gates) gate.release()
    },
  },
  {
    title: 'with the plugin killed in the middle',
    slug: 'plugin',
    async strike(agent, gates) {
      await letInUnanswered(agent, gates)
      agent.killPlugin()
    },
  },
  {
    title: 'with the agent killed in the middle',
    slug: 'agent',
    async strike(agent, gates) {
      await letInUnanswered(agent, gates)
      await Promise.all([agent.kill(), ...gates.map((gate) => gate.close())])
      // It does now what it was asked, and there is nobody to tell.
      agent.thawPlugin()
      await agent.start()
      await Promise.all(gates.map((gate) => gate.open()))
    },
  },
]

async function letInUnanswered(agent: Cluster, gates: readonly Gate[]) {
  await agent.freezePlugin()
  for (const gate of gates) gate.release()
  await agent.writes()
}
