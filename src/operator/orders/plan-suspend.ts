import { shellCommand } from '../../lib/shell-command.ts'
import type { Declaration } from '../declare/declaration.ts'
import type { Key } from '../plan/identity.ts'
import { wholeKeyOf } from '../plan/per-alloc.ts'
import { assertKnown, type Known, type Planner, type Planners, refuse } from './planner.ts'

const planSuspend: Planner<'suspend'> = ({ key }, known) => {
  if (instancesOf(key, known).length === 0) assertKnown(key, known)
  return {
    message: `${key} is suspended: nothing is done for it until ${resumeCommand(key)}`,
    change: { key, by: (orders) => ({ suspendedSinceMs: known.nowMs, ...orders }) },
  }
}

const planResume: Planner<'resume'> = ({ key }, known) => {
  const [instance] = instancesOf(key, known)
  if (instance === undefined) assertKnown(key, known)
  if (known.inventory.orders(key).suspendedSinceMs === undefined)
    return refuse(`${key} is ${explainNoResume(key, instance, known)}`)
  return {
    message: `${key} is resumed`,
    change: { key, by: ({ suspendedSinceMs: _, ...others }) => others },
  }
}

export const suspendPlanners = {
  suspend: planSuspend,
  resume: planResume,
} satisfies Partial<Planners>

/** The volumes of a declaration with perAlloc. @param key of the declaration as a whole */
export function instancesOf(
  key: Key,
  { inventory, declarations }: Pick<Known, 'inventory' | 'declarations'>,
): Declaration[] {
  const found: Declaration[] = []
  // There may be very many, and each order asks.
  for (const { declaration } of inventory.list()) if (wholeKeyOf(declaration) === key) found.push(declaration)
  for (const declaration of declarations.values())
    if (wholeKeyOf(declaration) === key) found.push(declaration)
  return found
}

function explainNoResume(
  key: Key,
  instance: Declaration | undefined,
  { inventory, declarations }: Known,
): string {
  const declaration = instance ?? inventory.get(key)?.declaration ?? declarations.get(key)
  if (declaration?.spec.suspend) return 'suspended by spec.suspend in its declaration: change it there'
  const whole = declaration === undefined ? undefined : wholeKeyOf(declaration)
  return whole !== undefined && whole !== key && inventory.orders(whole).suspendedSinceMs !== undefined
    ? `suspended with all volumes of its declaration: resume them by ${resumeCommand(whole)}`
    : 'not suspended'
}

function resumeCommand(key: Key): string {
  return shellCommand('mooring', 'resume', key)
}
