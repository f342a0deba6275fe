/** The title of a request about a volume, for messages. */
export function titleOf(verb: string, namespace: string, volumeID: string): string {
  return `${verb} volume "${volumeID}" in namespace "${namespace}"`
}

/** The path of a volume beneath `/v1`. It cannot name an ID with a slash: Nomad decodes a path before it splits it. */
export function volumePath(volumeID: string): string {
  return `/volume/csi/${encodeURIComponent(volumeID)}`
}
