import { planDetachOrder, refuseRecreate } from '../plan/orders.ts'
import { type Planner, type Planners, refuse, volumeOf } from './planner.ts'

const planRecreate: Planner<'recreate'> = ({ key, lostExternalID }, known) => {
  const refusal = refuseRecreate(volumeOf(key, known), lostExternalID)
  if (refusal !== undefined) return refuse(`${key} is not recreated: ${refusal}`)
  const recreate = { externalID: lostExternalID, atMs: known.nowMs }
  return {
    message: `${key} gives up external volume "${lostExternalID}". A new one takes its place if it is still gone`,
    change: { key, by: (orders) => ({ ...orders, recreate }) },
  }
}

const planDetach: Planner<'detach'> = ({ key, node }, known) => {
  const record = volumeOf(key, known)
  const order = planDetachOrder(record, node, known.nowMs)
  if (typeof order === 'string') return refuse(`${key} is not detached: ${order}`)
  const { nodeID } = order
  return {
    message: `${key} is taken off node ${nodeID}, unless an allocation that claims it lives there`,
    change: {
      key,
      by: ({ detach = [], ...orders }) => ({
        ...orders,
        detach: [...detach.filter((other) => other.nodeID !== nodeID), order],
      }),
    },
    question: { about: 'detach', record, nodeID },
  }
}

export const volumePlanners = {
  recreate: planRecreate,
  detach: planDetach,
} satisfies Partial<Planners>
