--- secret.c: what is a secret, and how it is replaced wherever it is cut.
--- The list is the process's: each test has values of its own.

local test = require "orun.test"
local secret = test.secret
local mask = secret.mask

describe("secrets", function()
  it("are told by the names of their variables", function()
    for _, name in ipairs{
      "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "apikey", "GITHUB_TOKEN", "TOKEN", "gh_token",
      "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "CLIENT_SECRET",
      "SECRET_KEY_BASE", "DB_PASSWORD", "PGPASSWORD", "PASSWORD_PROD", "MYSQL_PWD",
      "MYSQL_ROOT_PASSWD", "SMTP_PASS", "GPG_PASSPHRASE", "GCP_CREDENTIALS", "TLS_PRIVATE_KEY",
      "STRIPE_KEY", "GITLAB_PAT", "NPM_AUTH", "SESSION_JWT", "SLACK_WEBHOOK_URL",
    } do
      assert.is_true(secret.named(name), name)
    end
    for _, name in ipairs{
      "", "PATH", "HOME", "PWD", "OLDPWD", "KEY_REPEAT", "SSH_AUTH_SOCK", "GIT_ASKPASS",
      "MAX_TOKENS", "TOKENIZERS_PARALLELISM", "ORUN_TASK_ID", "DATABASE_URL", "KEYBOARD", "COMPASS",
    } do
      assert.is_false(secret.named(name), name)
    end
  end)

  it("are replaced by their names, everywhere", function()
    assert.is_true(secret.see("ONE_TOKEN", "one-0123456789"))
    assert.equal("[ONE_TOKEN]", mask("one-0123456789"))
    assert.equal("a [ONE_TOKEN] b [ONE_TOKEN]c[ONE_TOKEN][ONE_TOKEN]",
      mask("a one-0123456789 b one-0123456789cone-0123456789one-0123456789"))
    assert.equal("one-012345678 ne-0123456789", mask("one-012345678 ne-0123456789"))
    assert.equal("a\0[ONE_TOKEN]\0b", mask("a\0one-0123456789\0b"))
  end)

  it("are values of eight bytes or more", function()
    secret.see("SHORT_TOKEN", "abcdefg")
    secret.see("EIGHT_TOKEN", "hijklmno")
    assert.equal("abcdefg [EIGHT_TOKEN]", mask("abcdefg hijklmno"))
  end)

  it("are not the values of other variables, unless added", function()
    secret.see("PLAIN", "plain-0123456789")
    assert.equal("plain-0123456789", mask("plain-0123456789"))
    secret.add("PLAIN", "plain-0123456789")
    assert.equal("[PLAIN]", mask("plain-0123456789"))
  end)

  it("are not the paths of files that are there", function()
    secret.see("GOOGLE_APPLICATION_CREDENTIALS", "/etc/passwd")
    assert.equal("/etc/passwd", mask("/etc/passwd"))
    secret.see("SLASH_SECRET", "/not/a/file/but/base64")
    assert.equal("[SLASH_SECRET]", mask("/not/a/file/but/base64"))
  end)

  it("are the passwords in URLs", function()
    secret.see("DATABASE_URL", "postgresql://app:pg-pass-0123@db.example:5432/app?x=1")
    secret.see("http_proxy", "http://u:p@ss-word-2@proxy")
    secret.see("URLS", "http://h/a:b@c redis://:redis-0123@one,redis://user@two:6379")
    assert.equal("postgresql://app:[DATABASE_URL]@db.example:5432/app?x=1",
      mask("postgresql://app:pg-pass-0123@db.example:5432/app?x=1"))
    assert.equal("[http_proxy] [URLS] user two:6379", mask("p@ss-word-2 redis-0123 user two:6379"))
  end)

  it("are recognized without the space around them", function()
    secret.see("SPACED_TOKEN", "  \tspaced-0123456789\r\n")
    assert.equal("[SPACED_TOKEN]\n", mask("spaced-0123456789\n"))
    secret.see("BLANK_TOKEN", (" "):rep(20))
    assert.equal((" "):rep(20), mask((" "):rep(20)))
  end)

  it("may have many lines, each of which is one", function()
    local line1, line2 = "MIIEvQIBADANBgkqhkiG", "9w0BAQEFAASCBKcwggSj"
    local pem = "-----BEGIN PRIVATE KEY-----\n" .. line1 .. "\r\n" .. line2
      .. "\nshort\n-----END PRIVATE KEY-----\n"
    secret.see("PEM_PRIVATE_KEY", pem)
    assert.equal("<[PEM_PRIVATE_KEY]\n>", mask("<" .. pem .. ">"))
    assert.equal("| [PEM_PRIVATE_KEY]\n| [PEM_PRIVATE_KEY]\n| short",
      mask("| " .. line1 .. "\n| " .. line2 .. "\n| short"))
    assert.equal("no -----BEGIN PRIVATE KEY-----!", mask("no -----BEGIN PRIVATE KEY-----!"))
  end)

  it("leave nothing where they overlap", function()
    secret.add("LEFT", "overlap-AAAA-BBBB")
    secret.add("RIGHT", "BBBB-CCCC-overlap")
    secret.add("LONG", "overlap-AAAA-BBBB-CCCC-overlap-DDDD")
    secret.add("SELF", "xyxyxyxyxyxy")
    assert.equal("<[LEFT]>", mask("<overlap-AAAA-BBBB-CCCC-overlap>"))
    assert.equal("<[LONG]>", mask("<overlap-AAAA-BBBB-CCCC-overlap-DDDD>"))
    assert.equal("<[SELF]>", mask("<" .. ("xy"):rep(11) .. ">"))
    assert.equal("<[SELF]x>", mask("<" .. ("xy"):rep(6) .. "x>"))
    assert.equal("y[SELF]", mask("y" .. ("xy"):rep(9)))
  end)

  it("leave exactly the bytes that are in none", function()
    math.randomseed(20)
    local function random(n)
      local all = {}
      for i = 1, n do all[i] = string.char(math.random(2)) end
      return table.concat(all)
    end
    local values = {}
    for i = 1, 12 do
      values[i] = random(math.random(8, 11))
      secret.add("RANDOM", values[i])
    end
    for _ = 1, 3000 do
      local text = random(math.random(0, 60)) .. "the end"
      local covered, rest = {}, {}
      for _, value in ipairs(values) do
        local at = text:find(value, 1, true)
        while at do
          for i = at, at + #value - 1 do covered[i] = true end
          at = text:find(value, at + 1, true)
        end
      end
      local from = math.random(0, #text)
      local to = math.random(from, #text)
      for i = from + 1, to do
        if not covered[i] then rest[#rest + 1] = text:sub(i, i) end
      end
      assert.equal(table.concat(rest), (mask(text, from, to):gsub("%[RANDOM%]", "")))
    end
  end)

  it("are recognized when an edge cuts them, wherever it is", function()
    local value = "edge-0123456789-edge"
    secret.add("EDGE", value)
    local text = "before " .. value .. " middle " .. value .. " after"
    for from = 0, #text do
      for to = from, #text do
        local got = mask(text, from, to)
        local rest = got:gsub("%[EDGE%]", "")
        assert.is_nil(rest:find("%d"), got)
        assert.is_nil(rest:find("edge", 1, true), got)
      end
    end
    assert.equal("[EDGE] middle [EDGE]", mask(text, 20, 40))
    assert.equal(" middle ", mask(text, 27, 35))
    assert.equal("", mask(text, 10, 10))
  end)

  it("are recognized when who wrote them was stopped in the middle", function()
    local value = "half-0123456789-half"
    secret.add("HALF", value)
    for n = 8, #value do
      assert.equal("key [HALF]", mask("key " .. value:sub(1, n)))
    end
    assert.equal("key half-01", mask("key half-01"))
    assert.equal("half-0123456789 and more", mask("half-0123456789 and more"))
    assert.equal('[string "k=[HALF]..."]:1: oh', mask('[string "k=half-01234567..."]:1: oh'))
  end)

  it("are found in the arguments of a command", function()
    secret.add("ARGUMENT", "argument-0123456789")
    assert.equal("ARGUMENT", secret.inside("Bearer argument-0123456789"))
    assert.is_nil(secret.inside("Bearer argument-0123456789", "ARGUMENT"))
    assert.is_nil(secret.inside("Bearer argument-012345678"))
  end)

  it("are masked before they are cut or written out", function()
    secret.add("ESCAPED", "esc\27aped-0123456789")
    assert.equal("x [ESCAPED] \\x1b", secret.put("x esc\27aped-0123456789 \27"))
    for max = 0, 24 do
      assert.is_nil(secret.cut("xx esc\27aped-0123456789", max):find("esc", 1, true))
    end
    assert.equal("xx [ESCAPED]...", secret.cut("xx esc\27aped-0123456789", 5))
  end)

  it("are never shown for want of memory", function()
    secret.add("MEMORY", "memory-0123456789")
    for n = 1, 2 do
      test.fail_at(n)
      local text, why = mask("a memory-0123456789" .. (" more"):rep(40))
      assert.is_true(text == nil and why == "ENOMEM", text)
    end
    local failures = 0
    for n = 1, 8 do
      test.fail_at(n)
      local ok, why = secret.see("WANT_TOKEN", "want-" .. n .. "-0123456789")
      if ok then break end
      assert.equal("ENOMEM", why)
      failures = failures + 1
    end
    assert.is_true(failures >= 2)
    test.fail_at(0)
  end)
end)
