import type { Admin, StatusReport } from './admin.ts'

/** Operators of other Nomad clusters in this process, by the name of their NomadCluster. */
export type ClusterAdmins = ReadonlyMap<string, Admin>

/** The status of all operators of a process as that of one; rows of another cluster than its own name that. */
export function mergeStatus(own: Admin, clusters: () => ClusterAdmins): Admin['status'] {
  async function readAll(): Promise<{ report: StatusReport; parts: { admin: Admin; version: number }[] }> {
    const parts = await Promise.all(
      [[undefined, own] as const, ...clusters()].map(async ([cluster, admin]) => {
        const { version, rows } = await admin.status()
        const named = cluster === undefined ? rows : rows.map((row) => ({ ...row, cluster }))
        return { admin, version, rows: named }
      }),
    )
    const version = parts.reduce((sum, part) => sum + part.version, 0)
    return { report: { version, rows: parts.flatMap(({ rows }) => rows) }, parts }
  }
  return async (after) => {
    const { report, parts } = await readAll()
    if (report.version !== after) return report
    await Promise.race(parts.map(({ admin, version }) => admin.status(version)))
    return (await readAll()).report
  }
}
