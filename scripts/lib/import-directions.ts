import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path/posix'

/**
 * Every room of `src/`, and the rooms that it may import. A room is a folder; the longest name that fits a file
 * decides. What stands beside a room's folder, such as `src/operator/operator.ts`, belongs to the outer room.
 */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  wire: ['lib'],
  telemetry: ['lib'],
  csi: ['wire', 'lib'],
  nomad: ['wire', 'lib'],
  kube: ['lib'],
  driver: ['csi', 'lib'],
  server: ['csi', 'wire', 'lib'],
  'operator/declare': ['lib'],
  'operator/plan': ['operator/declare', 'wire', 'lib'],
  'operator/engine': ['lib'],
  'operator/desired': ['operator/plan', 'operator/declare', 'lib'],
  'operator/secrets': ['operator/plan', 'operator/declare', 'nomad', 'lib'],
  'operator/replicas': ['nomad', 'kube', 'lib'],
  'operator/inventory': ['operator/plan', 'operator/declare', 'nomad', 'kube', 'lib'],
  'operator/reconcile': [
    'operator/desired',
    'operator/plan',
    'operator/declare',
    'operator/engine/outcome.ts',
    'nomad',
    'csi',
    'wire',
    'lib',
  ],
  'operator/orders': ['operator/desired', 'operator/plan', 'operator/declare', 'lib'],
  'operator/kubernetes': [
    'operator/orders',
    'operator/inventory',
    'operator/desired',
    'operator/plan',
    'operator/declare',
    'kube',
    'lib',
  ],
  'operator/sources': ['operator/kubernetes', 'operator/desired', 'operator/declare', 'kube', 'lib'],
  'operator/clusters': [
    'operator/kubernetes',
    'operator/desired',
    'operator/plan',
    'operator/declare',
    'nomad',
    'kube',
    'lib',
  ],
  'operator/admin': [
    'operator/orders',
    'operator/inventory',
    'operator/desired',
    'operator/plan',
    'operator/declare',
    'nomad',
    'wire',
    'lib',
  ],
  'operator/telemetry': ['operator/desired', 'operator/plan', 'operator/declare', 'telemetry', 'csi', 'lib'],
  operator: ['operator', 'telemetry', 'nomad', 'kube', 'csi', 'wire', 'lib'],
  cli: ['operator', 'server', 'driver', 'telemetry', 'nomad', 'csi', 'wire', 'lib'],
  'main.ts': ['cli', 'lib'],
}

/** An import that no room may make, or a circle of files; each line names the files and the remedy. */
export interface ImportFaults {
  readonly files: number
  readonly faults: readonly string[]
}

/** What the page in the browser may import from `src/`, and of it types alone. */
const sharedWithDashboard = 'src/wire/dashboard/'

const importPattern = /(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g

/** Reads all of `src/` and `dashboard/` beneath `root`; imports of types count like any other. */
export function checkImports(root: string): ImportFaults {
  const files = globSync('src/**/*.ts', { cwd: root })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !file.includes('/generated/'))
    .sort()
  const imports = new Map(
    files.map((file) => {
      const text = readFileSync(join(root, file), 'utf8')
      const found = [...text.matchAll(importPattern)].map(([, path = '']) =>
        normalize(join(dirname(file), path)),
      )
      return [file, [...new Set(found)].filter((path) => /^(src|dashboard)\//.test(path))]
    }),
  )
  const faults: string[] = []
  for (const [file, targets] of imports) {
    const room = roomOf(file)
    if (room === undefined) {
      faults.push(`${file} is in no room: name its folder in scripts/lib/import-directions.ts`)
      continue
    }
    for (const target of targets) {
      if (!existsSync(join(root, target)) || mayImport(room, target)) continue
      faults.push(
        `${file} imports ${target}: ${room} may import ${(rooms[room] ?? []).join(', ') || 'no other room'}`,
      )
    }
  }
  const dashboardFiles = globSync('dashboard/**/*.{ts,tsx}', { cwd: root }).map((file) =>
    file.replaceAll('\\', '/'),
  )
  faults.push(...dashboardFiles.flatMap((file) => checkDashboardFile(root, file)))
  for (const circle of findCircles(imports)) {
    faults.push(
      `${circle.join(', ')} import one another in a circle: move what they share into a file of its own`,
    )
  }
  return { files: files.length + dashboardFiles.length, faults }
}

function checkDashboardFile(root: string, file: string): string[] {
  return readFileSync(join(root, file), 'utf8')
    .split('\n')
    .flatMap((line) => {
      const target = [...line.matchAll(importPattern)].map(([, path = '']) =>
        normalize(join(dirname(file), path)),
      )
      return target.flatMap((path) => {
        if (path.startsWith('dashboard/')) return []
        if (!path.startsWith(sharedWithDashboard)) {
          return [`${file} imports ${path}: dashboard may import ${sharedWithDashboard}, and nothing else`]
        }
        return /\bimport type\b|\bimport\('/.test(line)
          ? []
          : [`${file} imports ${path}: dashboard may import its types only, so write import type`]
      })
    })
}

function roomOf(file: string): string | undefined {
  const path = file.slice('src/'.length)
  return Object.keys(rooms)
    .filter((room) => path === room || path.startsWith(`${room}/`))
    .sort((one, other) => other.length - one.length)[0]
}

function mayImport(room: string, target: string): boolean {
  const path = target.slice('src/'.length)
  const targetRoom = roomOf(target)
  return (
    targetRoom === room ||
    (rooms[room] ?? []).some((allowed) => {
      if (allowed === path || allowed === targetRoom) return true
      // Who may import the operator may import its rooms.
      return allowed === 'operator' && path.startsWith('operator/')
    })
  )
}

/** Each set of files that import one another in a loop, in the order of a visit (Tarjan's strongly connected components). */
function findCircles(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>()
  const stack: string[] = []
  const circles: string[][] = []
  const visit = (file: string): number => {
    const own = order.size
    order.set(file, own)
    stack.push(file)
    let low = own
    for (const target of imports.get(file) ?? []) {
      if (!imports.has(target)) continue
      if (!order.has(target)) low = Math.min(low, visit(target))
      else if (stack.includes(target)) low = Math.min(low, order.get(target) ?? own)
    }
    if (low === own) {
      const circle = stack.splice(stack.indexOf(file))
      if (circle.length > 1) circles.push(circle)
    }
    return low
  }
  for (const file of imports.keys()) if (!order.has(file)) visit(file)
  return circles
}
