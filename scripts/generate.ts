/**
 * Regenerates everything in the repository that is made from something else.
 *   node scripts/generate.ts           writes it
 *   node scripts/generate.ts --check   exits 1, naming the files, where what is there differs
 */
import { chartCrds, chartMonitoring, chartReadme } from './lib/chart/generate-chart.ts'
import { kubernetesManifests } from './lib/chart/generate-manifests.ts'
import { argocdPatch } from './lib/crds/generate-argocd.ts'
import { crds } from './lib/crds/generate-crds.ts'
import { fieldsPage } from './lib/fields/generate-fields.ts'
import { csiTypes } from './lib/generate-csi-types.ts'
import { jsonSchemas } from './lib/generate-schemas.ts'
import { troubleshootingPage } from './lib/generate-troubleshooting.ts'
import { compareTrees, writeTree } from './lib/generated-tree.ts'
import type { Generator } from './lib/generator.ts'

const generators: readonly Generator[] = [
  csiTypes,
  jsonSchemas,
  fieldsPage,
  troubleshootingPage,
  crds,
  argocdPatch,
  chartCrds,
  chartMonitoring,
  chartReadme,
  kubernetesManifests,
]

const check = process.argv.includes('--check')
let isStale = false
for (const generator of generators) {
  const files = await generator.generate()
  const differing = await compareTrees(generator.directory, files, generator)
  if (!check) await writeTree(generator.directory, files, generator)
  if (check && differing.length > 0) {
    isStale = true
    console.error(`${generator.name}: these files are not what is generated; run "npm run generate":`)
    for (const path of differing) console.error(`  ${path}`)
  } else {
    console.log(`${generator.name}: ${files.size} files, ${differing.length} changed`)
  }
}
if (isStale) process.exitCode = 1
