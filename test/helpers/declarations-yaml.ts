/** A volume of plugin `directories` as a person writes it. @param fields of its spec, as YAML */
export function volumeYAML(name: string, fields: Readonly<Record<string, string>> = {}): string {
  return `apiVersion: mooring.dev/v1alpha1
kind: Volume
metadata: {name: ${name}}
spec:
  pluginID: directories
  capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}]
${Object.entries(fields)
  .map(([field, value]) => `  ${field}: ${value}\n`)
  .join('')}`
}

/** A snapshot of a declared volume as a person writes it. */
export function snapshotYAML(name: string, volume: string, deletionPolicy = 'Retain'): string {
  return `apiVersion: mooring.dev/v1alpha1
kind: Snapshot
metadata: {name: ${name}}
spec: {volume: ${volume}, deletionPolicy: ${deletionPolicy}}
`
}
