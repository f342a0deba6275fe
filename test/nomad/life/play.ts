import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect } from 'vitest'
import { type Cluster, eventually, patienceMs } from './cluster.ts'
import type { Disturbance } from './disturbances.ts'
import { openGate } from './gate.ts'
import { startOperator } from './operator.ts'
import type { Stage, Step } from './steps.ts'

export interface Cast {
  /**
   * Plays steps together: each to its middle, then the disturbance, which meets all of them at once, then each
   * to its end. Resolves when all have ended, with what became of each: one that failed keeps none of the
   * others from their parts.
   */
  play(acts: readonly Step[], disturbance: Disturbance): Promise<readonly PromiseSettledResult<void>[]>
  close(): Promise<void>
}

/** An operator for each step, and its own way to the agent. */
export async function startCast(steps: readonly Step[], agent: Cluster): Promise<Cast> {
  const players = await Promise.all(
    steps.map(async (step) => {
      const directory = join(agent.directory, 'operators', step.slug)
      mkdirSync(directory, { recursive: true })
      const gate = await openGate(agent.address)
      return { step, gate, operator: await startOperator(directory, gate.address) }
    }),
  )
  type Player = (typeof players)[number]

  function playerOf(step: Step): Player {
    const found = players.find((player) => player.step === step)
    if (found === undefined) throw new Error(`nobody plays "${step.title}"`)
    return found
  }

  async function prepare({ step, gate, operator }: Player, { slug }: Disturbance) {
    operator.turnTo(slug)
    const stage: Stage = { agent, operator, gate, id: `${slug}-${step.slug}` }
    const course = step.run(stage)
    await course.next()
    return { step, stage, course }
  }

  async function begin(preparation: ReturnType<typeof prepare>) {
    const prepared = await preparation
    const { step, stage, course } = prepared
    const held = stage.gate.hold(step.request(stage.id), step.requests ?? 1)
    await course.next()
    await Promise.race([held, timeout(stage.id)])
    return prepared
  }

  async function end(beginning: ReturnType<typeof begin>) {
    const { step, stage, course } = await beginning
    await course.next()
    await eventually(async () =>
      expect(await countsOf(agent, stage.id)).toEqual([step.disks, step.snapshots ?? 0]),
    )
  }

  return {
    async play(acts, disturbance) {
      const prepared = acts.map((step) => prepare(playerOf(step), disturbance))
      await Promise.allSettled(prepared)
      const begun = prepared.map(begin)
      await Promise.allSettled(begun)
      const gates = players.map(({ gate }) => gate)
      await disturbance.strike(agent, gates)
      return Promise.allSettled(begun.map(end))
    },
    async close() {
      await Promise.all(players.flatMap(({ operator, gate }) => [operator.stop(), gate.close()]))
    },
  }
}

/** A request that never comes must not hold up the whole play. */
async function timeout(id: string): Promise<never> {
  await setTimeout(patienceMs, undefined, { ref: false })
  throw new Error(`${id}: its request never came`)
}

/** How many disks and snapshots of them the plugin has. */
async function countsOf(agent: Cluster, id: string): Promise<[disks: number, snapshots: number]> {
  const { Volumes, Snapshots } = await agent.pluginState()
  const disks = Volumes.filter(({ VolName }) => VolName === id || VolName.startsWith(`${id}-`))
  const ids = disks.map(({ VolID }) => VolID)
  return [disks.length, Snapshots.filter(({ VolID }) => ids.includes(VolID)).length]
}
