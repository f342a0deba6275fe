import { wholeKeyOf } from '../plan/per-alloc.ts'
import { type Planner, type Planners, refuse } from './planner.ts'

const planConfirmRemoval: Planner<'confirmRemoval'> = ({ key }, { inventory, declarations }) => {
  const record = inventory.get(key)
  const records =
    record === undefined
      ? inventory.list().filter(({ declaration }) => wholeKeyOf(declaration) === key)
      : [record]
  if (records.length === 0) return refuse(`${key} is not managed, so there is nothing to end`)
  // The volumes of one declaration are missed by the same reading, but for those that a lowered count left out before.
  const [sinceMs] = records.flatMap(({ missing }) => missing?.sinceMs ?? []).sort((one, other) => other - one)
  if (sinceMs === undefined) {
    const isDeclared = records.some((each) => declarations.has(each.key))
    const where = isDeclared ? 'it is declared' : 'no reading has missed its declaration yet'
    return refuse(`the removal of ${key} is not confirmed: ${where}; remove its declaration first`)
  }
  return {
    message: `${key} counts as removed on purpose. It ends by its deletionPolicy, within the limits of --prune and --prune-delay. To keep it, declare it again`,
    change: { key, by: (orders) => ({ ...orders, removal: { sinceMs } }) },
  }
}

export const removalPlanners = { confirmRemoval: planConfirmRemoval } satisfies Partial<Planners>
