// Every npm script and the published command run this first. It keeps to syntax that old releases of
// Node parse, so that they reach the message instead of a syntax error.
var major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(
    'mooring needs Node 24 or later, and this is Node ' +
      process.versions.node +
      '. In a clone run "npm ci" (it brings Node 24 along; not with --ignore-scripts); elsewhere install Node 24.',
  )
  process.exit(1)
}
