import type { Declaration } from '../declare/declaration.ts'

/** Whether the declaration is an object that names this Secret, in its own namespace. */
export function usesSecret({ place, spec }: Declaration, namespace: string, name: string): boolean {
  if (place.object?.namespace !== namespace) return false
  const references =
    'template' in spec ? spec.template?.secrets : 'secrets' in spec ? spec.secrets : undefined
  return Object.values(references ?? {}).some(
    (reference) => 'fromSecret' in reference && reference.fromSecret.name === name,
  )
}
