-- Says what it knows of the client's TLS.
return {
  summary = "Says what it knows of the client's TLS.",
  tls = function(session, tls)
    session.vars.seen = tls.version .. " " .. tls.sni
  end,
  mail = function(session)
    local shown = session.tls and session.tls.client_certificate
    if not shown then return reject("none") end
    return reject(("%s %s %s %s"):format(session.vars.seen, shown.subject, shown.sha256:sub(1, 4), shown.verified))
  end,
}
