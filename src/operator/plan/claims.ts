import type { Volume } from '../../wire/volume.ts'

/** The allocations that hold a volume, in order; those too that Nomad has no more. */
export function claimsOf(volume: Volume): string[] {
  return [...Object.keys(volume.ReadAllocs ?? {}), ...Object.keys(volume.WriteAllocs ?? {})].sort()
}
