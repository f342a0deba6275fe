import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Disturbance } from './disturbances.ts'
import { type Gate, openGate } from './gate.ts'
import { type Operator, startOperator } from './operator.ts'
import { eventually, type RealAgent } from './real-agent.ts'
import type { Stage, Step } from './steps.ts'

export interface Play {
  /** How each step ends; it rejects where the step failed, before the disturbance or after it. */
  readonly ends: ReadonlyMap<Step, Promise<void>>
  close(): Promise<void>
}

/**
 * Plays steps together, each with an operator of its own: each to its middle, then the disturbance, which meets
 * all of them at once, then each to its end. Resolves when the disturbance has come.
 */
export async function play(
  steps: readonly Step[],
  disturbance: Disturbance,
  agent: RealAgent,
): Promise<Play> {
  const gates: Gate[] = []
  const operators: Operator[] = []

  async function prepare(step: Step) {
    const id = `${disturbance.slug}-${step.slug}`
    const directory = join(agent.directory, 'operators', id)
    mkdirSync(directory, { recursive: true })
    const gate = await openGate(agent.address)
    gates.push(gate)
    const operator = await startOperator(directory, gate.address)
    operators.push(operator)
    const stage: Stage = { agent, operator, gate, id }
    const course = step.run(stage)
    await course.next()
    return { stage, course }
  }

  async function begin(prepared: ReturnType<typeof prepare>, step: Step) {
    const { stage, course } = await prepared
    stage.gate.hold(step.request(stage.id))
    await course.next()
    await stage.gate.held()
    return { stage, course }
  }

  async function end(begun: ReturnType<typeof begin>, step: Step) {
    const { stage, course } = await begun
    await course.next()
    await eventually(() => expect(countsOf(agent, stage.id)).toEqual([step.disks, step.snapshots ?? 0]))
  }

  const prepared = steps.map(prepare)
  // A step that fails before its middle keeps none of the others from theirs.
  await Promise.allSettled(prepared)
  const begun = prepared.map((each, index) => begin(each, steps[index] as Step))
  await Promise.allSettled(begun)
  await disturbance.strike(agent, gates)
  const ends = begun.map((each, index) => end(each, steps[index] as Step))
  // Each is awaited by a test of its own, later.
  void Promise.allSettled(ends)
  return {
    ends: new Map(ends.map((each, index) => [steps[index] as Step, each])),
    async close() {
      await Promise.all([...operators, ...gates].map((each) => ('stop' in each ? each.stop() : each.close())))
    },
  }
}

/** How many disks and snapshots of them the plugin has. */
function countsOf(agent: RealAgent, id: string): [disks: number, snapshots: number] {
  const { Volumes, Snapshots } = agent.pluginState()
  const disks = Volumes.filter(({ VolName }) => VolName === id || VolName.startsWith(`${id}-`))
  const ids = disks.map(({ VolID }) => VolID)
  return [disks.length, Snapshots.filter(({ VolID }) => ids.includes(VolID)).length]
}
