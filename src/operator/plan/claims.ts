import type { Volume } from '../../wire/volume.ts'

/** IDs of the allocations that claim the volume, sorted. Some may no longer exist in Nomad. */
export function claimsOf(volume: Volume): string[] {
  return [...Object.keys(volume.ReadAllocs ?? {}), ...Object.keys(volume.WriteAllocs ?? {})].sort()
}
