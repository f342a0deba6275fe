/** How people read of a call about a volume. */
export function titleOf(verb: string, namespace: string, volumeID: string): string {
  return `${verb} volume "${volumeID}" in namespace "${namespace}"`
}

/** Beneath `/v1`. An ID with a slash cannot be addressed: Nomad decodes the path before it splits it. */
export function volumePath(volumeID: string): string {
  return `/volume/csi/${encodeURIComponent(volumeID)}`
}
