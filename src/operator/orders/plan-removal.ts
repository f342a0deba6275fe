import { type Planner, type Planners, refuse } from './planner.ts'

const planConfirmRemoval: Planner<'confirmRemoval'> = ({ key }, { inventory, declarations }) => {
  const record = inventory.get(key)
  if (record === undefined) return refuse(`${key} is not managed, so there is nothing to end`)
  const { missing } = record
  if (missing === undefined) {
    const where = declarations.has(key) ? 'it is declared' : 'no reading has missed its declaration yet'
    return refuse(`the removal of ${key} is not confirmed: ${where}; remove its declaration first`)
  }
  return {
    message: `${key} counts as removed on purpose. It ends by its deletionPolicy, within the limits of --prune, --prune-delay and --max-prune. To keep it, declare it again`,
    change: { key, by: (orders) => ({ ...orders, removal: { sinceMs: missing.sinceMs } }) },
  }
}

export const removalPlanners = { confirmRemoval: planConfirmRemoval } satisfies Partial<Planners>
