import type { Platform } from './platform.ts'

export const java: Platform = {
  defaults: {
    app: { platform: 'java' },
    build: { packages: ['default-jre-headless', 'ca-certificates'] },
    env: { PORT: '${daemon.web.port}' },
    daemon: { web: { command: 'java -jar app.jar', port: 8080, health: { kind: 'tcp' } } },
  },
  detect(files, read) {
    const port = { 'daemon.web.port': 'the program reads PORT, or listens there by itself' }
    const jar = files.find((name) => /^[\w.-]+\.jar$/.test(name))
    if (jar !== undefined) {
      return {
        platform: 'java',
        config: { app: { platform: 'java' }, daemon: { web: { command: `java -jar ${jar}`, port: 8080 } } },
        found: [jar],
        assumed: port,
      }
    }
    const pom = files.includes('pom.xml') ? (read('pom.xml') ?? '') : undefined
    if (pom === undefined || /<packaging>\s*war\s*</.test(pom)) return undefined
    const file = mavenFile(pom, 'jar')
    return {
      platform: 'java',
      config: {
        app: { platform: 'java' },
        build: {
          packages: ['...', 'default-jdk-headless', 'maven'],
          commands: ['mvn --batch-mode package'],
          artifacts: [file],
        },
        daemon: { web: { command: `java -jar ${file}`, port: 8080 } },
      },
      found: ['pom.xml'],
      assumed: { ...port, 'build.artifacts': 'as Maven names it', 'daemon.web.command': 'a jar that can be run' },
    }
  },
}

/** `target/shop-1.0.jar`: the project's own name and version, not those of its parent or of what it needs. */
export function mavenFile(pom: string, kind: 'jar' | 'war'): string {
  const own = pom
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/<(parent|dependencies|build|profiles|dependencyManagement)>[\s\S]*?<\/\1>/g, '')
  const value = (name: string) => new RegExp(`<${name}>\\s*([\\w.-]+)\\s*</${name}>`).exec(own)?.[1]
  const final = /<build>[\s\S]*?<finalName>\s*([\w.-]+)\s*<\/finalName>/.exec(pom)?.[1]
  return `target/${final ?? `${value('artifactId') ?? 'app'}-${value('version') ?? '1.0'}`}.${kind}`
}
