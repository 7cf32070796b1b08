/** A daemon without a port: says each minute that it lives. */
setInterval(() => console.log(new Date().toISOString()), 60_000)
